//! The state of all clients at the end of the measured window.

use crate::client::{Behaviour, Client};
use crate::sequence::Discrepancies;

/// What the clients hold when the window ends.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) live_clients: u64,
    /// Lowest and highest last number of the live reading clients; `None` if one has seen no
    /// number, so that a caller who compares the two cannot miss it.
    pub(crate) last_n: Option<(u64, u64)>,
    /// Fewest and most messages of a reading client that ever connected and was not churned away.
    pub(crate) messages: Option<(u64, u64)>,
    pub(crate) reading: Discrepancies,
    pub(crate) slow: Discrepancies,
    pub(crate) slow_messages: u64,
}

impl Survey {
    pub(crate) fn of(clients: &[Client]) -> Self {
        let mut survey = Self::default();
        let with = |behaviour| clients.iter().filter(move |client| client.behaviour == behaviour);
        for client in with(Behaviour::Reading) {
            survey.reading.add(client.sequence.discrepancies());
        }
        for client in with(Behaviour::Slow) {
            survey.slow.add(client.sequence.discrepancies());
            survey.slow_messages += client.messages;
        }
        survey.live_clients = clients.iter().filter(|client| client.is_open()).count() as u64;
        let live = with(Behaviour::Reading).filter(|client| client.is_open());
        let last_numbers: Option<Vec<u64>> = live.map(|client| client.sequence.last_n()).collect();
        survey.last_n = range(last_numbers.unwrap_or_default());
        let counted = with(Behaviour::Reading).filter(|client| client.was_open);
        survey.messages = range(counted.map(|client| client.messages).collect());
        survey
    }
}

fn range(numbers: Vec<u64>) -> Option<(u64, u64)> {
    numbers.iter().min().copied().zip(numbers.iter().max().copied())
}
