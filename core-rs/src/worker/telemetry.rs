//! What a worker counts and measures: in plain memory, shown to the other threads once a turn.

use std::sync::Arc;
use std::time::Instant;

use crate::worker::client::delivery_counts::{DeliveryCounts, Dropped};
use crate::worker::counters::{Counters, SharedCounters};
use crate::worker::delivery_times::{DeliveryTimes, PassLoad, SharedDeliveryTimes};
use crate::worker::departure::Cause;

/// Where a worker shows what it counts. The worker alone writes, any thread reads.
#[derive(Clone, Default)]
pub(super) struct SharedTelemetry {
    counters: Arc<SharedCounters>,
    delivery_times: Arc<SharedDeliveryTimes>,
}

/// See the module's description.
pub(super) struct Telemetry {
    pub(super) counters: Counters,
    delivery_times: DeliveryTimes,
    /// The delivery counts of the clients that are gone, in one sum.
    departed: DeliveryCounts,
    shared: SharedTelemetry,
}

impl SharedTelemetry {
    pub(super) fn counters(&self) -> Counters {
        self.counters.read()
    }

    pub(super) fn delivery_times(&self) -> DeliveryTimes {
        self.delivery_times.read()
    }
}

impl Telemetry {
    pub(super) fn new(shared: SharedTelemetry) -> Telemetry {
        Telemetry {
            counters: Counters::default(),
            delivery_times: DeliveryTimes::default(),
            departed: DeliveryCounts::default(),
            shared,
        }
    }

    /// Shows what was counted to the other threads.
    pub(super) fn publish(&self) {
        self.shared.counters.publish(&self.counters);
        self.shared.delivery_times.publish(&self.delivery_times);
    }

    /// A pass that has carried these messages ends now.
    pub(super) fn record_pass(&mut self, carried: PassLoad) {
        self.delivery_times.record(carried, Instant::now());
    }

    /// A client is gone for which so many messages waited.
    pub(super) fn count_departed(&mut self, counts: DeliveryCounts) {
        self.counters.dropped_closed += counts.pending;
        self.departed += counts.closed();
    }

    /// JavaScript gets the event of a client's close.
    pub(super) fn count_closed(&mut self, cause: Cause) {
        let counters = &mut self.counters;
        *match cause {
            Cause::App => &mut counters.closed_by_app,
            Cause::Client => &mut counters.closed_by_client,
            Cause::Slow => &mut counters.closed_slow,
            Cause::Idle => &mut counters.closed_idle,
            Cause::Broken => &mut counters.closed_broken,
            Cause::Violation => &mut counters.closed_violation,
            Cause::Failed => &mut counters.closed_failed,
            Cause::Unfinished => &mut counters.closed_unfinished,
        } += 1;
    }

    /// The delivery counts of the clients that are gone.
    pub(super) fn departed(&self) -> DeliveryCounts {
        self.departed
    }

    /// What the worker has counted itself, apart from its clients' delivery counts.
    pub(super) fn totals(&self) -> DeliveryCounts {
        let counters = &self.counters;
        let dropped = Dropped {
            slow: counters.dropped_slow,
            skipped: counters.dropped_skipped,
            closed: counters.dropped_closed,
            // The sequencer knows.
            queue_full: 0,
        };
        DeliveryCounts {
            expected: counters.deliveries_expected,
            delivered: counters.deliveries,
            dropped,
            pending: counters.deliveries_expected - counters.deliveries - dropped.total(),
        }
    }

    /// All that waited is dropped, and no client is left. The message at which a worker failed may
    /// be in one of the totals and not in the other, so that the clients' go on from the worker's.
    pub(super) fn close_totals(&mut self) {
        self.departed = self.totals().closed();
        self.counters.dropped_closed = self.departed.dropped.closed;
        self.counters.clients = 0;
        self.counters.slow_clients = 0;
    }
}
