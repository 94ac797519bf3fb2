//! The fast path of a WebSocket upgrade that comes whole, as the first request on its connection.
//!
//! hyper keeps two buffers of 8 KiB for each connection, the door's runtime a task, and its epoll
//! an entry. Of thousands of clients that connect in one moment each needs none of these, if its
//! request is proper: all of it is there, and the client waits as a [`PendingUpgrade`]. The worker
//! that gets it sends the response. Any other connection is hyper's, from its first byte on and
//! with the outcome of its upgrade, if there is one.
//!
//! `DoorConfig::fast_path` turns it off. hyper then reads every request.

pub(super) mod pending_upgrade;
mod pending_upgrades;
mod request_reader;

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use pending_upgrade::{PendingUpgrade, SlotHandle};
use pending_upgrades::PendingUpgrades;

use crate::door::accepted_connection::AcceptedConnection;
use crate::door::app::dev_sockets::DevSockets;
use crate::door::config::DoorConfig;
use crate::door::events::Emitter;
use crate::door::http::parser::Limits;
use crate::door::upgrade::Upgrades;
use crate::door::upgrade::request::WaitingClient;

/// See the module's description.
pub(crate) struct FastPath {
    is_on: bool,
    limits: Limits,
    pending: PendingUpgrades,
}

impl FastPath {
    /// `door` takes back the connections that no worker gets.
    pub(crate) fn new(
        config: &DoorConfig,
        emitter: Emitter,
        door: UnboundedSender<AcceptedConnection>,
    ) -> FastPath {
        let pending = PendingUpgrades::new(door, emitter);
        FastPath { is_on: config.fast_path, limits: Limits::of(config), pending }
    }

    /// Takes a connection whose first bytes are an upgrade and nothing else, and sends that to the
    /// application. Returns any other connection.
    pub(crate) fn take(
        &self,
        mut connection: AcceptedConnection,
        upgrades: &Upgrades,
        dev_sockets: &DevSockets,
    ) -> Option<AcceptedConnection> {
        if !self.is_on {
            return Some(connection);
        }
        let read = request_reader::read(&connection.received, self.limits, |head| {
            let request = head.request();
            if !request.asks_for_websocket() || dev_sockets.are_asked_for(&request) {
                return None;
            }
            let handshake = upgrades.check(&request).ok()?;
            Some((upgrades.admit(&request, connection.peer, &handshake), head.end, handshake))
        });
        match read {
            Some((Ok(unsent), head_bytes, handshake)) => {
                let upgrade = PendingUpgrade::new(connection, head_bytes, handshake);
                let slot = self.pending.slot(upgrade);
                let handle = SlotHandle(Arc::clone(&slot));
                let sent = upgrades.send(unsent, WaitingClient::InSlot(handle));
                self.pending.watch(slot, sent);
                return None;
            }
            Some((Err(error), ..)) => connection.outcome = Some(Err(error)),
            None => {}
        }
        Some(connection)
    }

    /// Watches the upgrades that wait, for ever. Each look reports how many have left.
    pub(crate) async fn run(&self, removed: impl Fn(usize)) {
        self.pending.run(removed).await;
    }

    /// Ends the connections of all upgrades that wait, without a response.
    pub(crate) fn clear(&self) {
        self.pending.clear();
    }
}
