//! How many connections came to which end.

use std::collections::BTreeMap;

use crate::client::{Behaviour, Client, Disconnect};
use crate::sequence::Discrepancies;

/// Reported for an end without a close frame, as RFC 6455 (7.1.5) has it.
pub(crate) const ABNORMAL_CLOSURE: u16 = 1006;

/// Counts of connections, and what was found in those that have been replaced.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Of the clients asked for, how many got their upgrade.
    pub(crate) connected: u64,
    /// Clients closed by `--churn`, and their replacements that got their upgrade.
    pub(crate) churned: u64,
    pub(crate) replacements_connected: u64,
    /// Connections that could not be made, by reason.
    pub(crate) failed: BTreeMap<String, u64>,
    /// Connections ended by the server, by close code.
    pub(crate) closed: BTreeMap<u16, u64>,
    /// Connections given up because the server broke the protocol, by rule.
    pub(crate) violations: BTreeMap<&'static str, u64>,
    /// Of `closed` and `violations` together, how many hit clients of each behaviour.
    pub(crate) reading_closed: u64,
    pub(crate) slow_closed: u64,
    pub(crate) stalled_closed: u64,
    /// Discrepancies of clients that churn has replaced.
    pub(crate) churned_discrepancies: Discrepancies,
}

impl Tally {
    pub(crate) fn count_connected(&mut self, client: &Client, clients_asked_for: u64) {
        if client.number < clients_asked_for {
            self.connected += 1;
        } else {
            self.replacements_connected += 1;
        }
    }

    pub(crate) fn count_failed(&mut self, reason: String) {
        *self.failed.entry(reason).or_default() += 1;
    }

    /// Counts the disconnect of an open connection that this side did not ask for.
    pub(crate) fn count_disconnected(&mut self, behaviour: Behaviour, disconnect: &Disconnect) {
        match disconnect {
            Disconnect::Closed(code) => *self.closed.entry(*code).or_default() += 1,
            Disconnect::Lost(_) | Disconnect::Failed(_) => {
                *self.closed.entry(ABNORMAL_CLOSURE).or_default() += 1;
            }
            Disconnect::Violation(rule) => *self.violations.entry(rule.0).or_default() += 1,
        }
        match behaviour {
            Behaviour::Reading => self.reading_closed += 1,
            Behaviour::Slow => self.slow_closed += 1,
            Behaviour::Stalled => self.stalled_closed += 1,
        }
    }

    pub(crate) fn count_churned(&mut self, client: &Client) {
        self.churned += 1;
        self.churned_discrepancies.add(client.sequence.discrepancies());
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Why a connection could not be made.
pub(crate) fn failure_reason(disconnect: Disconnect) -> String {
    match disconnect {
        Disconnect::Failed(reason) => reason,
        Disconnect::Lost(reason) => format!("{reason} during the handshake"),
        Disconnect::Closed(code) => format!("closed with {code} during the handshake"),
        Disconnect::Violation(rule) => rule.0.to_owned(),
    }
}
