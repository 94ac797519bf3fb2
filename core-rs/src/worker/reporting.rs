//! How single clients stand: the answers of one worker to questions of the application.

use crate::broadcaster::reports::{ClientReport, Query, Reconciliation, Report};
use crate::worker::client::Client;

use super::clients::Clients;
use super::outbound::Outbound;
use super::telemetry::Telemetry;

/// This worker's answer to a question.
pub(super) fn report(
    query: Query,
    clients: &Clients,
    outbound: &Outbound,
    telemetry: &Telemetry,
) -> Report {
    let mut report = Report::default();
    match query {
        Query::Slowest(limit) => {
            let slow = clients.open().filter(|client| client.is_slow());
            report.clients = slow.map(|client| status(client, outbound)).collect();
            report.keep_slowest(limit);
        }
        Query::Client(key) => {
            let client = clients.find(key).map(|index| &clients[index]);
            report.clients = client.map(|client| status(client, outbound)).into_iter().collect();
        }
        Query::Reconciliation => {
            report.reconciliation = reconciliation(clients, outbound, telemetry);
        }
    }
    report
}

fn status(client: &Client, outbound: &Outbound) -> ClientReport {
    let log = outbound.log_of(client);
    ClientReport {
        client: client.key,
        slow: client.is_slow(),
        lag: client.backlog.lag(log),
        delivery_counts: client.backlog.delivery_counts(log),
    }
}

/// The sum over the clients, and the worker's own counters, which are kept apart.
fn reconciliation(clients: &Clients, outbound: &Outbound, telemetry: &Telemetry) -> Reconciliation {
    let mut sum = telemetry.departed();
    for (_, client) in clients.iter() {
        sum += client.backlog.delivery_counts(outbound.log_of(client));
    }
    Reconciliation { clients: sum, workers: telemetry.totals() }
}
