//! The sequencer's side of all workers.

use std::sync::Arc;

use crate::broadcaster::placement::Placement;
use crate::queue::{Queue, ring_all};
use crate::wake_tree::WakeTree;
use crate::worker::Mailbox;
use crate::worker::command::Command;
use crate::worker::counters::Counters;
use crate::worker::delivery_times::DeliveryTimes;

use super::worker_link::{QueueCounters, WorkerLink};

/// One worker's counters, gauges and place.
#[derive(Clone, Copy, Debug)]
pub struct WorkerSnapshot {
    /// The shard to which it belongs.
    pub shard: usize,
    /// Its number within the shard.
    pub worker: usize,
    /// What it has counted itself.
    pub counters: Counters,
    /// How its queue has served.
    pub queue: QueueCounters,
}

/// The links to all workers, which are counted over all shards.
pub(super) struct WorkerLinks {
    links: Vec<WorkerLink>,
    /// Wakes the workers at the end of a publish.
    wake_tree: Arc<WakeTree<Mailbox>>,
}

impl WorkerLinks {
    pub(super) fn new(links: Vec<WorkerLink>, wake_tree: Arc<WakeTree<Mailbox>>) -> WorkerLinks {
        WorkerLinks { links, wake_tree }
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// The link to one worker.
    pub(super) fn link_mut(&mut self, worker: usize) -> &mut WorkerLink {
        &mut self.links[worker]
    }

    /// The way into a worker's queue.
    pub(super) fn mailbox(&self, worker: usize) -> &Mailbox {
        self.links[worker].handle.mailbox()
    }

    /// Queues a command for one worker, and wakes it.
    pub(super) fn command(&self, worker: usize, command: Command) {
        self.mailbox(worker).push(command);
    }

    /// Queues a command for each worker, and wakes them.
    pub(super) fn command_all(&self, command: impl Fn() -> Command) {
        self.links.iter().for_each(|link| link.handle.mailbox().push(command()));
    }

    /// Wakes those that sleep of the workers which have just been offered a message.
    pub(super) fn wake(&self, workers: impl Iterator<Item = usize>) {
        let queues = workers.map(|worker| (worker, self.links[worker].queue()));
        let mut sleepers = false;
        for worker in ring_all(queues) {
            self.wake_tree.note(worker);
            sleepers = true;
        }
        if sleepers {
            self.wake_tree.wake_one();
        }
    }

    /// Ends all threads and waits for them.
    pub(super) fn stop(&mut self) {
        // All get the signal before the first is waited for.
        self.links.iter().for_each(|link| link.handle.stop());
        self.links.iter_mut().for_each(|link| link.handle.join());
    }

    /// Clients that the workers hold, those in the closing handshake included.
    pub(super) fn client_count(&self) -> usize {
        let held: u64 = self.links.iter().map(|link| link.handle.counters().clients).sum();
        held as usize
    }

    /// How full the fullest queue is, from 0 to 1.
    pub(super) fn queue_load(&self) -> f64 {
        let loads = self.links.iter().map(WorkerLink::queue).map(Queue::load);
        loads.fold(0.0, f64::max)
    }

    /// Whether any queue is past its soft limit, or has been and is not yet well below it.
    pub(super) fn any_saturated(&self) -> bool {
        self.links.iter().any(WorkerLink::is_saturated)
    }

    /// Deliveries of the messages that the queues refused.
    pub(super) fn refused_deliveries(&self) -> u64 {
        self.links.iter().map(WorkerLink::refused).sum()
    }

    /// How long the messages of all workers have taken.
    pub(super) fn delivery_times(&self) -> DeliveryTimes {
        let mut sum = DeliveryTimes::default();
        self.links.iter().for_each(|link| sum.add(&link.handle.delivery_times()));
        sum
    }

    /// What every worker has counted.
    pub(super) fn snapshots(&self, placement: Placement) -> impl Iterator<Item = WorkerSnapshot> {
        self.links.iter().enumerate().map(move |(number, link)| {
            let (shard, worker) = placement.within_shard(number);
            let (counters, queue) = (link.handle.counters(), link.counters());
            WorkerSnapshot { shard, worker, counters, queue }
        })
    }
}
