//! What all connections of the door share.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::accepted_connection::AcceptedConnection;
use super::app::dev_sockets::DevSockets;
use super::app::proxy::Proxy;
use super::config::DoorConfig;
use super::connection::settings::ConnectionSettings;
use super::events::Emitter;
use super::fast_path::FastPath;
use super::memory_trimmer::MemoryTrimmer;
use super::read_buffer::ReadBuffer;
use super::upgrade::Upgrades;
use super::upgrade::refused::RefusalCounters;

/// The door's parts. Each is a file's, with its own fields; none knows of this.
pub(crate) struct DoorContext {
    pub(crate) read_buffer: ReadBuffer,
    pub(crate) fast_path: FastPath,
    pub(crate) connections: ConnectionSettings,
    pub(crate) upgrades: Upgrades,
    pub(crate) proxy: Proxy,
    pub(crate) dev_sockets: DevSockets,
    pub(crate) memory: MemoryTrimmer,
}

impl DoorContext {
    /// `door` takes the connections back that wait outside of it and that no worker gets.
    pub(crate) fn new(
        config: &DoorConfig,
        emitter: &Emitter,
        refused: Arc<RefusalCounters>,
        door: UnboundedSender<AcceptedConnection>,
    ) -> DoorContext {
        DoorContext {
            read_buffer: ReadBuffer::new(),
            fast_path: FastPath::new(config, emitter.clone(), door),
            connections: ConnectionSettings::new(config),
            upgrades: Upgrades::new(config, emitter.clone(), refused),
            proxy: Proxy::new(config, emitter.clone()),
            dev_sockets: DevSockets::new(config.has_dev_server),
            memory: MemoryTrimmer::default(),
        }
    }
}
