//! What was counted, as JavaScript values.

use napi_derive::napi;

use crate::broadcaster::{ChannelActivity, QueueCounters, WorkerSnapshot};
use crate::counter_list::counter_list;
use crate::door::RefusedUpgrades;
use crate::worker::counters::Counters;
use crate::worker::delivery_times;

macro_rules! derive {
    (
        worker { $($(#[$_doc1:meta])* $of_worker:ident,)* }
        queue { $($(#[$_doc2:meta])* $of_queue:ident,)* }
        door { $($(#[$_doc3:meta])* $of_door:ident,)* }
    ) => {
        /// Counters of one worker since start, and its gauges now, as `counter_list.rs` has them.
        #[napi(object, object_from_js = false)]
        pub struct WorkerCounters {
            pub shard: u32,
            /// Counted within the shard.
            pub worker: u32,
            $(pub $of_worker: f64,)*
            $(pub $of_queue: f64,)*
        }

        impl WorkerCounters {
            fn new(place: (usize, usize), counters: Counters, queue: QueueCounters) -> Self {
                WorkerCounters {
                    shard: place.0 as u32,
                    worker: place.1 as u32,
                    $($of_worker: counters.$of_worker as f64,)*
                    $($of_queue: queue.$of_queue as f64,)*
                }
            }
        }

        /// Upgrades that the door has refused by itself, by reason.
        #[napi(object, object_from_js = false)]
        pub struct RefusedAtDoor {
            $(pub $of_door: f64,)*
        }

        impl From<RefusedUpgrades> for RefusedAtDoor {
            fn from(refused: RefusedUpgrades) -> RefusedAtDoor {
                RefusedAtDoor { $($of_door: refused.$of_door as f64,)* }
            }
        }
    };
}

counter_list!(derive);

impl From<WorkerSnapshot> for WorkerCounters {
    fn from(snapshot: WorkerSnapshot) -> WorkerCounters {
        let WorkerSnapshot { shard, worker, mut counters, queue } = snapshot;
        // The worker knows nothing of those that never got into its queue.
        counters.deliveries_expected += queue.dropped_queue_full;
        WorkerCounters::new((shard, worker), counters, queue)
    }
}

/// A histogram of the times of messages, in seconds.
#[napi(object, object_from_js = false, js_name = "DeliveryTimes")]
pub struct JsDeliveryTimes {
    /// Upper bounds of the buckets; there is one more, without a bound.
    pub bounds: Vec<f64>,
    /// Messages of each bucket alone.
    pub counts: Vec<f64>,
    /// All times in one sum.
    pub sum: f64,
}

impl From<delivery_times::DeliveryTimes> for JsDeliveryTimes {
    fn from(times: delivery_times::DeliveryTimes) -> JsDeliveryTimes {
        JsDeliveryTimes {
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
    /// Messages published since the channel is known, with subscribers and without.
    pub published: f64,
}

impl From<ChannelActivity> for ChannelCounts {
    fn from(counts: ChannelActivity) -> ChannelCounts {
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
