//! What was counted, as JavaScript values.

use std::time::Duration;

use napi_derive::napi;

use crate::broadcaster::{self, WorkerSnapshot};
use crate::door::RefusedUpgrades;
use crate::worker::delivery_times;

/// Counters of one worker since start, and its gauges now.
#[napi(object)]
pub struct WorkerCounters {
    pub shard: u32,
    pub worker: u32,
    /// Clients it holds, those that leave and those whose socket is still to come too.
    pub clients: f64,
    /// Published messages taken from the queue.
    pub messages: f64,
    /// Deliveries expected: each message once a client, those that the queue refused too.
    pub deliveries_expected: f64,
    /// Messages that a client's socket has accepted whole.
    pub deliveries: f64,
    pub dropped_slow: f64,
    pub dropped_skipped: f64,
    pub dropped_closed: f64,
    pub dropped_queue_full: f64,
    /// Published messages that the queue refused.
    pub messages_queue_full: f64,
    /// Clients now whose socket refuses bytes.
    pub slow_clients: f64,
    /// Clients that left, by the cause.
    pub closed_by_app: f64,
    pub closed_by_client: f64,
    pub closed_slow: f64,
    pub closed_idle: f64,
    pub closed_broken: f64,
    pub closed_violation: f64,
    pub closed_failed: f64,
    pub closed_unfinished: f64,
    pub bytes_written: f64,
    pub writes: f64,
    pub messages_received: f64,
    pub bytes_received: f64,
    /// Published messages in the queue now, and their bytes.
    pub queue_messages: f64,
    pub queue_bytes: f64,
    /// The queue is past its soft mark now; how often it got there, and messages queued meanwhile.
    pub saturated: bool,
    pub saturations: f64,
    pub messages_saturated: f64,
    /// Time it was awake.
    pub busy_seconds: f64,
    /// How often it has panicked, closed its clients and begun anew.
    pub failures: f64,
}

impl From<WorkerSnapshot> for WorkerCounters {
    fn from(snapshot: WorkerSnapshot) -> WorkerCounters {
        let WorkerSnapshot { shard, worker, counters, refused, saturation, .. } = snapshot;
        WorkerCounters {
            shard: shard as u32,
            worker: worker as u32,
            clients: counters.clients as f64,
            messages: counters.messages as f64,
            deliveries_expected: (counters.deliveries_expected + refused.deliveries) as f64,
            deliveries: counters.deliveries as f64,
            dropped_slow: counters.dropped_slow as f64,
            dropped_skipped: counters.dropped_skipped as f64,
            dropped_closed: counters.dropped_closed as f64,
            dropped_queue_full: refused.deliveries as f64,
            messages_queue_full: refused.messages as f64,
            slow_clients: counters.slow_clients as f64,
            closed_by_app: counters.closed_by_app as f64,
            closed_by_client: counters.closed_by_client as f64,
            closed_slow: counters.closed_slow as f64,
            closed_idle: counters.closed_idle as f64,
            closed_broken: counters.closed_broken as f64,
            closed_violation: counters.closed_violation as f64,
            closed_failed: counters.closed_failed as f64,
            closed_unfinished: counters.closed_unfinished as f64,
            bytes_written: counters.bytes_written as f64,
            writes: counters.writes as f64,
            messages_received: counters.messages_received as f64,
            bytes_received: counters.bytes_received as f64,
            queue_messages: snapshot.queue_messages as f64,
            queue_bytes: snapshot.queue_bytes as f64,
            saturated: saturation.now,
            saturations: saturation.times as f64,
            messages_saturated: saturation.messages as f64,
            busy_seconds: Duration::from_nanos(counters.busy_ns).as_secs_f64(),
            failures: counters.failures as f64,
        }
    }
}

/// Upgrades that the door has refused by itself.
#[napi(object, object_from_js = false)]
pub struct RefusedAtDoor {
    /// No proper RFC 6455 request.
    pub malformed: f64,
    /// Too many waited for their decision already.
    pub busy: f64,
    /// There was no decision, or not in time.
    pub undecided: f64,
}

impl From<RefusedUpgrades> for RefusedAtDoor {
    fn from(refused: RefusedUpgrades) -> RefusedAtDoor {
        RefusedAtDoor {
            malformed: refused.malformed as f64,
            busy: refused.busy as f64,
            undecided: refused.undecided as f64,
        }
    }
}

/// A histogram of the times of messages, in seconds.
#[napi(object, object_from_js = false)]
pub struct DeliveryTimes {
    /// Upper bounds of the buckets; there is one more, without a bound.
    pub bounds: Vec<f64>,
    /// Messages of each bucket alone.
    pub counts: Vec<f64>,
    /// All times in one sum.
    pub sum: f64,
}

impl From<delivery_times::DeliveryTimes> for DeliveryTimes {
    fn from(times: delivery_times::DeliveryTimes) -> DeliveryTimes {
        DeliveryTimes {
            bounds: delivery_times::BOUNDS_US.map(|bound| bound as f64 / 1e6).to_vec(),
            counts: times.counts.map(|count| count as f64).to_vec(),
            sum: times.sum_us as f64 / 1e6,
        }
    }
}

/// How a channel does that has subscribers.
#[napi(object, object_from_js = false)]
pub struct ChannelCounts {
    pub channel: String,
    pub subscribers: u32,
    /// Messages published since the channel is known, whether anybody heard them or not.
    pub published: f64,
}

impl From<broadcaster::ChannelCounts> for ChannelCounts {
    fn from(counts: broadcaster::ChannelCounts) -> ChannelCounts {
        ChannelCounts {
            channel: counts.name,
            subscribers: counts.subscribers as u32,
            published: counts.published as f64,
        }
    }
}

/// All channels together.
#[napi(object, object_from_js = false)]
pub struct ChannelTotals {
    /// Channels that have subscribers.
    pub channels: f64,
    /// Clients that are subscribed, each once for each of its channels.
    pub subscriptions: f64,
}

impl From<(usize, u64)> for ChannelTotals {
    fn from((channels, subscriptions): (usize, u64)) -> ChannelTotals {
        ChannelTotals { channels: channels as f64, subscriptions: subscriptions as f64 }
    }
}
