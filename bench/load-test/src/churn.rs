//! Picks the clients that leave and are replaced.

use std::time::Instant;

use crate::client::{Behaviour, Client};
use crate::options::PerSecond;
use crate::pace::Pace;

/// Goes round all slots, so that every reading client leaves equally often.
pub(crate) struct Churn {
    pace: Pace,
    next_slot: usize,
}

impl Churn {
    pub(crate) fn new(rate: PerSecond, now: Instant) -> Self {
        Self { pace: Pace::new(rate, now), next_slot: 0 }
    }

    /// The slot of the next reading client that is to leave now, if there is one.
    pub(crate) fn pick(&mut self, clients: &[Client], now: Instant) -> Option<usize> {
        if !self.pace.try_take(now) {
            return None;
        }
        let slots = (self.next_slot..clients.len()).chain(0..self.next_slot);
        let picked = slots.into_iter().find(|slot| {
            clients[*slot].is_open() && clients[*slot].behaviour == Behaviour::Reading
        })?;
        self.next_slot = picked + 1;
        Some(picked)
    }
}
