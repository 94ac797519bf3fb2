//! How single clients stand. Only their workers know: each is asked through its queue and answers
//! through the bridge, and the sequencer puts the parts together.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::ids::ClientKey;
use crate::worker::client::delivery_counts::DeliveryCounts;
use crate::worker::cohort::log::Lag;

/// Names a question that is not answered yet.
pub type ReportId = u32;

/// What a worker is asked.
#[derive(Clone, Copy, Debug)]
pub struct ReportRequest {
    /// To be given back with the answer.
    pub id: ReportId,
    /// See there.
    pub question: Question,
}

/// What may be asked.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// Which clients lag most of those whose socket refuses bytes? This many at most.
    Slowest(usize),
    /// How does this client stand?
    Client(ClientKey),
    /// Do the delivery counts of the clients add up to the counters of the workers?
    Reconciliation,
}

/// The answer of one worker, or of all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The clients asked for, those that lag most first.
    pub clients: Vec<ClientReport>,
    /// All zero when they were not asked for.
    pub reconciliation: Reconciliation,
}

/// How a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientReport {
    /// The client.
    pub client: ClientKey,
    /// Its socket refuses bytes.
    pub slow: bool,
    /// What it lags in published messages.
    pub lag: Lag,
    /// Its delivery counts.
    pub delivery_counts: DeliveryCounts,
}

/// The same messages counted twice, at one moment of each worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// The sum of the delivery counts of all clients, of those that are gone too.
    pub clients: DeliveryCounts,
    /// What the workers have counted.
    pub workers: DeliveryCounts,
}

impl Report {
    /// Leaves the clients that lag most, at most `limit` of them, in order.
    pub fn keep_slowest(&mut self, limit: usize) {
        let lag = |report: &ClientReport| Reverse((report.lag.messages, report.lag.bytes));
        if self.clients.len() > limit && limit > 0 {
            // Partial order first: there may be many more than are asked for.
            self.clients.select_nth_unstable_by_key(limit - 1, lag);
        }
        self.clients.truncate(limit);
        self.clients.sort_by_key(lag);
    }

    fn add(&mut self, part: Report) {
        self.clients.extend(part.clients);
        self.reconciliation.clients += part.reconciliation.clients;
        self.reconciliation.workers += part.reconciliation.workers;
    }
}

struct Unanswered {
    workers: usize,
    question: Question,
    so_far: Report,
}

/// The questions that not all workers have answered yet.
#[derive(Default)]
pub struct Reports {
    unanswered: FxHashMap<ReportId, Unanswered>,
    last_id: ReportId,
}

impl Reports {
    /// Notes a question to so many workers, and makes of it what each of them is asked.
    pub fn ask(&mut self, question: Question, workers: usize) -> ReportRequest {
        self.last_id = self.last_id.wrapping_add(1);
        let unanswered = Unanswered { workers, question, so_far: Report::default() };
        self.unanswered.insert(self.last_id, unanswered);
        ReportRequest { id: self.last_id, question }
    }

    /// Adds a worker's answer; returns the question and the whole with the last one.
    pub fn answer(&mut self, id: ReportId, part: Report) -> Option<(Question, Report)> {
        let unanswered = self.unanswered.get_mut(&id)?;
        unanswered.so_far.add(part);
        unanswered.workers -= 1;
        if unanswered.workers > 0 {
            return None;
        }
        let Unanswered { question, mut so_far, .. } = self.unanswered.remove(&id)?;
        if let Question::Slowest(limit) = question {
            so_far.keep_slowest(limit);
        }
        Some((question, so_far))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(clients: &[(ClientKey, u64)]) -> Report {
        let clients = clients.iter().map(|&(client, messages)| ClientReport {
            client,
            slow: true,
            lag: Lag { messages, bytes: 0 },
            delivery_counts: DeliveryCounts::default(),
        });
        Report { clients: clients.collect(), reconciliation: Reconciliation::default() }
    }

    #[test]
    fn the_slowest_of_all_workers_come_in_order() {
        let mut reports = Reports::default();
        let ReportRequest { id, .. } = reports.ask(Question::Slowest(3), 2);
        assert!(reports.answer(id, part(&[(1, 5), (2, 9), (3, 1)])).is_none());
        let (_, whole) = reports.answer(id, part(&[(4, 7), (5, 2)])).expect("both have answered");
        assert_eq!(whole, part(&[(2, 9), (4, 7), (1, 5)]));
        assert!(reports.answer(id, part(&[])).is_none(), "it is answered");
    }

    #[test]
    fn nobody_is_kept_of_a_question_for_nobody() {
        let mut reports = Reports::default();
        let ReportRequest { id, .. } = reports.ask(Question::Slowest(0), 1);
        let (_, whole) = reports.answer(id, part(&[(1, 5)])).expect("it is answered");
        assert_eq!(whole, part(&[]));
    }
}
