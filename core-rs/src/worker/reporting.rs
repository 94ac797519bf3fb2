//! How single clients stand, for whoever asks.

use crate::broadcaster::reports::{ClientReport, Question, Reconciliation, Report, ReportRequest};
use crate::event_queue::Event;
use crate::worker::client::Client;
use crate::worker::client::delivery_counts::{DeliveryCounts, Dropped};

use super::Worker;

impl Worker {
    /// Answers a question through the bridge. It was asked by the application, so that answers are
    /// few.
    pub(super) fn report(&mut self, ReportRequest { id, question }: ReportRequest) {
        let mut report = Report::default();
        match question {
            Question::Slowest(limit) => {
                let slow = self.clients.iter().map(|(_, client)| client);
                let slow = slow.filter(|client| client.is_open() && client.is_slow());
                report.clients = slow.map(|client| self.status(client)).collect();
                report.keep_slowest(limit);
            }
            Question::Client(key) => {
                let client = self.by_key.get(&key).map(|&index| &self.clients[index]);
                report.clients = client.map(|client| self.status(client)).into_iter().collect();
            }
            Question::Reconciliation => report.reconciliation = self.reconciliation(),
        }
        self.bridge.tell(Event::Report(id, report));
    }

    fn status(&self, client: &Client) -> ClientReport {
        let log = self.cohorts[client.cohort].log();
        ClientReport {
            client: client.key,
            slow: client.is_slow(),
            lag: client.backlog.lag(log),
            delivery_counts: client.backlog.delivery_counts(log),
        }
    }

    /// The sum over the clients, and the worker's own counters, which are kept apart.
    fn reconciliation(&self) -> Reconciliation {
        let mut clients = self.departed;
        for (_, client) in &self.clients {
            clients += client.backlog.delivery_counts(self.cohorts[client.cohort].log());
        }
        Reconciliation { clients, workers: self.worker_totals() }
    }

    /// What the worker has counted itself.
    pub(super) fn worker_totals(&self) -> DeliveryCounts {
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
}
