//! The limits of the core. TypeScript owns their defaults and checks what a user sets.

use std::time::Duration;

use crate::broadcaster::placement::Placement;
use crate::queue::QueueLimits;
use crate::worker::cohort::log::Lag;

/// Everything that a broadcaster is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Shards and their workers.
    pub placement: Placement,
    /// Clients per shard.
    pub max_clients: usize,
    /// Channels one client may be subscribed to.
    pub max_channels_per_client: usize,
    /// Bytes of direct messages that may wait for one client before another; past it that is
    /// dropped.
    pub backpressure_limit_bytes: usize,
    /// Whether a client for which more than that waits already is dropped; otherwise the message
    /// is.
    pub close_on_backpressure_limit: bool,
    /// What may wait in each worker's queue.
    pub queue: QueueLimits,
    /// Part of that past which a worker is saturated, in percent.
    pub saturation_percent: u32,
    /// Messages that are shorter are not compressed, in bytes with the frame's header.
    pub compression_threshold_bytes: usize,
    /// How many levels nicer than the rest of the process its workers' threads are.
    pub worker_niceness: i32,
    /// How workers treat their clients.
    pub client: ClientLimits,
}

/// How a worker treats its clients.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// What a client whose socket is full may lag in published messages before it is slow.
    pub lag: Lag,
    /// What happens to a slow client.
    pub slow: SlowPolicy,
    /// The largest message a client may send, in bytes.
    pub max_payload_bytes: usize,
    /// What messages may take that are not whole yet.
    pub unfinished: UnfinishedLimits,
    /// Silence after which a client is given up; `None` is never.
    pub idle_timeout: Option<Duration>,
    /// Ping a client after half of that silence.
    pub send_pings: bool,
}

/// What a worker keeps of messages of which frames or bytes are missing.
#[derive(Clone, Copy, Debug)]
pub struct UnfinishedLimits {
    /// Bytes of those of all its clients. At least one message of the largest size may be kept.
    pub bytes: usize,
    /// How long a client may take for one; `None` is any time.
    pub timeout: Option<Duration>,
}

/// What happens to a slow client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowPolicy {
    /// It is closed with code 1013.
    Disconnect,
    /// It misses what it lags without notice, and goes on with the next message. JavaScript gets an
    /// event.
    Skip,
}
