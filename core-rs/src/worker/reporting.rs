//! How single clients stand, for whoever asks.

use crate::broadcaster::reports::{Books, ClientReport, Question, Report, ReportRequest};
use crate::event_queue::Event;
use crate::worker::client::Client;
use crate::worker::client::delivery_counts::{Dropped, Ledger};

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
                report.clients = slow.map(|client| self.standing(client)).collect();
                report.keep_slowest(limit);
            }
            Question::Client(key) => {
                let client = self.by_key.get(&key).map(|&index| &self.clients[index]);
                report.clients = client.map(|client| self.standing(client)).into_iter().collect();
            }
            Question::Books => report.books = self.books(),
        }
        self.bridge.tell(Event::Report(id, report));
    }

    fn standing(&self, client: &Client) -> ClientReport {
        let log = self.cohorts[client.cohort].log();
        ClientReport {
            client: client.key,
            slow: client.is_slow(),
            lag: client.backlog.lag(log),
            ledger: client.backlog.ledger(log),
        }
    }

    /// The accounts of the clients beside the worker's own, which were counted apart.
    fn books(&self) -> Books {
        let mut clients = self.departed;
        for (_, client) in &self.clients {
            clients += client.backlog.ledger(self.cohorts[client.cohort].log());
        }
        Books { clients, workers: self.worker_books() }
    }

    /// What the worker has counted itself.
    pub(super) fn worker_books(&self) -> Ledger {
        let tally = &self.tally;
        let dropped = Dropped {
            slow: tally.dropped_slow,
            skipped: tally.dropped_skipped,
            closed: tally.dropped_closed,
            // The sequencer knows.
            queue_full: 0,
        };
        Ledger {
            meant: tally.deliveries_meant,
            delivered: tally.deliveries,
            dropped,
            pending: tally.deliveries_meant - tally.deliveries - dropped.total(),
        }
    }
}
