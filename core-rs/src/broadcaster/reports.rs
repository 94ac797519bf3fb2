//! Reports on single clients. Only their workers know them: a request goes through each worker's
//! queue, a part of the report comes back through the event queue, and the sequencer puts the parts
//! together.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use crate::ids::ClientKey;
use crate::worker::client::delivery_counts::DeliveryCounts;
use crate::worker::cohort::log::Lag;

/// Names a report that is not complete yet.
pub type ReportId = u32;

/// A request to a worker, for its part of a report.
#[derive(Clone, Copy, Debug)]
pub struct ReportRequest {
    /// Comes back with the part.
    pub id: ReportId,
    /// What the report is about.
    pub query: Query,
}

/// What a report is about.
#[derive(Clone, Copy, Debug)]
pub enum Query {
    /// The clients that lag most of those whose socket refuses bytes, this many at most.
    Slowest(usize),
    /// One client.
    Client(ClientKey),
    /// Do the delivery counts of the clients add up to the counters of the workers?
    Reconciliation,
}

/// A worker's part of a report, or the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The clients asked for, those that lag most first.
    pub clients: Vec<ClientReport>,
    /// All zero in a report on anything else.
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

struct Incomplete {
    /// Workers whose part is missing.
    workers: usize,
    query: Query,
    so_far: Report,
}

/// The reports of which parts are missing.
#[derive(Default)]
pub struct PendingReports {
    incomplete: FxHashMap<ReportId, Incomplete>,
    last_id: ReportId,
}

impl PendingReports {
    /// Begins a report of so many parts; returns the request for each of them.
    pub fn request(&mut self, query: Query, workers: usize) -> ReportRequest {
        self.last_id = self.last_id.wrapping_add(1);
        let incomplete = Incomplete { workers, query, so_far: Report::default() };
        self.incomplete.insert(self.last_id, incomplete);
        ReportRequest { id: self.last_id, query }
    }

    /// Adds a worker's part; returns the query and the whole with the last one.
    pub fn add(&mut self, id: ReportId, part: Report) -> Option<(Query, Report)> {
        let incomplete = self.incomplete.get_mut(&id)?;
        incomplete.so_far.add(part);
        incomplete.workers -= 1;
        if incomplete.workers > 0 {
            return None;
        }
        let Incomplete { query, mut so_far, .. } = self.incomplete.remove(&id)?;
        if let Query::Slowest(limit) = query {
            so_far.keep_slowest(limit);
        }
        Some((query, so_far))
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
        let mut reports = PendingReports::default();
        let ReportRequest { id, .. } = reports.request(Query::Slowest(3), 2);
        assert!(reports.add(id, part(&[(1, 5), (2, 9), (3, 1)])).is_none());
        let (_, whole) = reports.add(id, part(&[(4, 7), (5, 2)])).expect("both parts are there");
        assert_eq!(whole, part(&[(2, 9), (4, 7), (1, 5)]));
        assert!(reports.add(id, part(&[])).is_none(), "it is complete already");
    }

    #[test]
    fn a_report_on_no_clients_has_none() {
        let mut reports = PendingReports::default();
        let ReportRequest { id, .. } = reports.request(Query::Slowest(0), 1);
        let (_, whole) = reports.add(id, part(&[(1, 5)])).expect("it is complete");
        assert_eq!(whole, part(&[]));
    }
}
