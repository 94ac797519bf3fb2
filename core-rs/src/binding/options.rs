//! What JavaScript starts the core and its door with.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use napi_derive::napi;

use crate::broadcaster::placement::{Placement, PlacementKey};
use crate::door::{DoorConfig, ListenOptions};
use crate::options::{ClientLimits, Options, SlowPolicy, UnfinishedLimits};
use crate::queue::QueueLimits;
use crate::worker::cohort::log::Lag;

use super::errors::invalid;

/// Limits and sizes of the core. Counts, unless the name carries a unit.
#[napi(object)]
pub struct CoreOptions {
    pub num_shards: u32,
    pub workers_per_shard: u32,
    /// 32 hexadecimal digits with which clients are placed by SipHash, and not by FNV-1a.
    pub placement_key: Option<String>,
    /// Clients per shard.
    pub max_clients: u32,
    /// Messages a client may fall behind before it is slow.
    pub buffer_size: u32,
    /// Bytes a client may fall behind before it is slow.
    pub buffer_bytes: f64,
    /// Disconnect slow clients; otherwise they skip what they missed.
    pub drop_slow_clients: bool,
    /// Largest inbound message, in bytes.
    pub max_payload_length: f64,
    /// Bytes that a worker keeps of messages that are not complete.
    pub max_incomplete_bytes: f64,
    /// Time for a message to be complete; 0 is any time.
    pub message_timeout_ms: u32,
    /// Bytes of direct messages that may wait for one client before another.
    pub backpressure_limit: f64,
    /// Drop a client for which more than that waits already; otherwise its message is dropped.
    pub close_on_backpressure_limit: bool,
    /// Seconds of silence after which a client is given up; 0 is never.
    pub idle_timeout_seconds: u32,
    /// Ping a client after half of that silence.
    pub send_pings: bool,
    /// Published messages that may wait in one worker's queue.
    pub queue_messages: u32,
    /// Bytes of published messages that may wait in one worker's queue.
    pub queue_bytes: f64,
    /// Part of that past which a worker is saturated, in percent.
    pub saturation_percent: u32,
    /// Shorter messages are not compressed, in bytes with the frame's header.
    pub compression_threshold: f64,
    /// How many levels nicer than the rest of the process the workers' threads are.
    pub worker_niceness: u32,
    /// Channels one client may be subscribed to.
    pub max_channels_per_client: u32,
}

/// A client of plain HTTP that takes nothing for so long has gone, or wants to do harm.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the door listens, and what it tolerates.
#[napi(object)]
pub struct DoorOptions {
    /// An IP address, or a name that is looked up; none is every address of this machine.
    #[napi(ts_type = "string | undefined")]
    pub host: Option<String>,
    /// 0 is any free port.
    pub port: u16,
    /// Whether the port is shared with other processes that say so too.
    pub reuse_port: bool,
    /// Whether `::` leaves IPv4 out.
    pub ipv6_only: bool,
    /// The unix socket on which plain HTTP is answered: its path, or its abstract name after a
    /// NUL.
    pub upstream: String,
    /// What the door shows there with each request.
    pub upstream_secret: String,
    pub head_timeout_ms: u32,
    /// Seconds between two requests of a connection; 0 is any time.
    pub idle_timeout_seconds: u32,
    pub max_head_bytes: u32,
    /// Length of a request's host in its URL; a shorter one is refused with 400.
    pub min_authority_bytes: u32,
    /// Size of the body of a plain request.
    pub max_body_bytes: f64,
    /// Plain requests that may be answered at once.
    pub max_http_requests: u32,
    pub upgrade_timeout_ms: u32,
    pub max_pending_upgrades: u32,
    /// Whether clients may have their messages compressed.
    pub per_message_deflate: bool,
    /// Whether what answers plain HTTP has a development server.
    pub has_dev_server: bool,
}

/// Where the door was opened.
#[napi(object, object_from_js = false)]
pub struct DoorAddress {
    /// An IP address.
    pub host: String,
    pub port: u16,
}

impl CoreOptions {
    pub(super) fn checked(self) -> napi::Result<Options, &'static str> {
        let nonzero = |name, value| {
            NonZeroU32::new(value).ok_or_else(|| invalid(format!("{name} must be at least 1")))
        };
        let idle_timeout = Duration::from_secs(u64::from(self.idle_timeout_seconds));
        let message_timeout = Duration::from_millis(u64::from(self.message_timeout_ms));
        let no_key = || invalid("placementKey must be 32 hexadecimal digits".to_owned());
        let key = self.placement_key.map(|key| PlacementKey::from_hex(&key).ok_or_else(no_key));
        Ok(Options {
            placement: Placement {
                shards: nonzero("numShards", self.num_shards)?,
                workers_per_shard: nonzero("workersPerShard", self.workers_per_shard)?,
                key: key.transpose()?,
            },
            max_clients: self.max_clients as usize,
            max_channels_per_client: self.max_channels_per_client as usize,
            backpressure_limit_bytes: self.backpressure_limit as usize,
            close_on_backpressure_limit: self.close_on_backpressure_limit,
            queue: QueueLimits {
                messages: nonzero("queueMessages", self.queue_messages)?.get() as usize,
                bytes: (self.queue_bytes as usize).max(1),
            },
            saturation_percent: self.saturation_percent,
            compression_threshold_bytes: self.compression_threshold as usize,
            worker_niceness: self.worker_niceness as i32,
            client: ClientLimits {
                lag: Lag { messages: u64::from(self.buffer_size), bytes: self.buffer_bytes as u64 },
                slow: if self.drop_slow_clients {
                    SlowPolicy::Disconnect
                } else {
                    SlowPolicy::Skip
                },
                max_payload_bytes: self.max_payload_length as usize,
                unfinished: UnfinishedLimits {
                    bytes: self.max_incomplete_bytes as usize,
                    timeout: (!message_timeout.is_zero()).then_some(message_timeout),
                },
                idle_timeout: (!idle_timeout.is_zero()).then_some(idle_timeout),
                send_pings: self.send_pings,
            },
        })
    }
}

impl DoorOptions {
    pub(super) fn checked(self) -> napi::Result<DoorConfig, &'static str> {
        let not_found = |error: io::Error| napi::Error::new("ENOTFOUND", error.to_string());
        let host = self.host.map(|host| look_up(&host)).transpose().map_err(not_found)?;
        let Self { port, reuse_port, ipv6_only, .. } = self;
        Ok(DoorConfig {
            listen: ListenOptions { host, port, reuse_port, ipv6_only },
            upstream: PathBuf::from(self.upstream),
            upstream_secret: self.upstream_secret,
            head_timeout: Duration::from_millis(u64::from(self.head_timeout_ms)),
            idle_timeout: (self.idle_timeout_seconds > 0)
                .then(|| Duration::from_secs(u64::from(self.idle_timeout_seconds))),
            write_timeout: WRITE_TIMEOUT,
            max_head_bytes: self.max_head_bytes as usize,
            min_authority_bytes: self.min_authority_bytes as usize,
            max_body_bytes: self.max_body_bytes as usize,
            max_requests: self.max_http_requests as usize,
            upgrade_timeout: Duration::from_millis(u64::from(self.upgrade_timeout_ms)),
            max_pending_upgrades: self.max_pending_upgrades as usize,
            per_message_deflate: self.per_message_deflate,
            fast_path: true,
            has_dev_server: self.has_dev_server,
        })
    }
}

/// The address of a host. A name is looked up while JavaScript waits, as by Bun: `listen` returns
/// with the port open.
fn look_up(host: &str) -> io::Result<IpAddr> {
    let mut addresses = (host, 0).to_socket_addrs()?;
    let first = addresses.next().map(|address| address.ip());
    first.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}
