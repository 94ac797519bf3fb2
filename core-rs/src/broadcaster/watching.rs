//! How it does, in all and for single clients.

use memchr::memmem::Finder;

use crate::broadcaster::reports::{Question, Report, ReportId};
use crate::broadcaster::worker_link::QueueCounters;
use crate::worker::command::Command;
use crate::worker::counters::Counters;
use crate::worker::delivery_times::DeliveryTimes;

use super::Broadcaster;

/// One worker's counters, gauges and place, for whoever watches.
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

/// How a channel does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelCounts {
    /// Its name.
    pub name: String,
    /// Clients that are subscribed.
    pub subscribers: usize,
    /// Messages published since the channel is known, whether anybody heard them or not.
    pub published: u64,
}

impl Broadcaster {
    /// Asks how clients stand. The answer is an
    /// [`Event::Report`](crate::event_queue::Event::Report) with the id that this returns.
    pub fn ask(&mut self, question: Question) -> ReportId {
        let workers = match question {
            Question::Slowest(_) | Question::Reconciliation => 0..self.lanes.len(),
            Question::Client(client) => match self.clients.get(client) {
                Some(registration) => registration.place.worker..registration.place.worker + 1,
                // Any worker knows that there is no such client.
                None => 0..1,
            },
        };
        let request = self.reports.ask(question, workers.len());
        workers.for_each(|worker| self.command(worker, Command::Report(Box::new(request))));
        request.id
    }

    /// Adds to the workers' answer what they cannot know: the messages that never reached them.
    pub(super) fn add_refused(&self, question: Question, report: &mut Report) {
        for client in &mut report.clients {
            let registration = self.clients.get(client.client);
            client
                .delivery_counts
                .add_refused(registration.map_or(0, |client| client.refused(&self.routes)));
        }
        if matches!(question, Question::Reconciliation) {
            let clients = self.clients.all().map(|client| client.refused(&self.routes));
            report.reconciliation.clients.add_refused(clients.sum::<u64>() + self.refused_departed);
            let lanes = self.lanes.iter().map(|lane| lane.refused());
            report.reconciliation.workers.add_refused(lanes.sum());
        }
    }

    /// Clients that are not gone yet, those in the closing handshake included.
    pub fn client_count(&self) -> usize {
        let held: u64 = self.lanes.iter().map(|lane| lane.worker.counters().clients).sum();
        self.clients.len().max(held as usize)
    }

    /// How full the fullest queue is, from 0 to 1.
    pub fn queue_load(&self) -> f64 {
        let loads = self.lanes.iter().map(|lane| lane.queue().load());
        loads.fold(0.0, f64::max)
    }

    /// Whether any queue is past its soft mark, or has been and is not yet well below it.
    pub fn is_saturated(&self) -> bool {
        self.lanes.iter().any(|lane| lane.is_saturated())
    }

    /// Of the channels that have subscribers, and `search` in their names, those with the most
    /// messages, most first, `limit` at most. Looks at all of them.
    pub fn busiest_channels(&self, limit: usize, search: &str) -> Vec<ChannelCounts> {
        let finder = Finder::new(search);
        let found = self.routes.channels().filter(|&channel| {
            search.is_empty() || finder.find(self.channels.name(channel).as_bytes()).is_some()
        });
        let busiest = self.channels.busiest(found, limit).into_iter();
        let counts = busiest.map(|channel| ChannelCounts {
            name: self.channels.name(channel).to_owned(),
            subscribers: self.routes.subscribers(channel),
            published: self.channels.published(channel),
        });
        counts.collect()
    }

    /// How many channels have subscribers, and how many subscriptions these are.
    pub fn channel_totals(&self) -> (usize, u64) {
        (self.routes.len(), self.routes.subscriptions())
    }

    /// How long the messages of all workers have taken.
    pub fn delivery_times(&self) -> DeliveryTimes {
        let mut sum = DeliveryTimes::default();
        self.lanes.iter().for_each(|lane| sum.add(&lane.worker.delivery_times()));
        sum
    }

    /// The shard of a client, and its worker within the shard.
    pub fn place(&self, client_id: &str) -> (usize, usize) {
        self.place_of(self.options.placement.place(client_id).worker)
    }

    /// The shard of a worker that is counted over all shards, and its number within the shard.
    pub fn place_of(&self, worker: usize) -> (usize, usize) {
        let per_shard = self.options.placement.workers_per_shard.get() as usize;
        (self.options.placement.shard_of(worker), worker % per_shard)
    }

    /// What every worker has counted.
    pub fn snapshots(&self) -> impl Iterator<Item = WorkerSnapshot> {
        self.lanes.iter().enumerate().map(|(number, lane)| {
            let (shard, worker) = self.place_of(number);
            WorkerSnapshot {
                shard,
                worker,
                counters: lane.worker.counters(),
                queue: lane.counters(),
            }
        })
    }
}
