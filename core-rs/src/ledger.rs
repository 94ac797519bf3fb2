//! The account of one client: what was meant for it, and what became of that.

use std::ops::AddAssign;

/// Messages, published and direct. `meant = delivered + dropped + pending`, always: each of the four is
/// counted for itself, so that the sum proves something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What it was subscribed to, and what was sent to it alone.
    pub meant: u64,
    /// What its socket has accepted whole.
    pub delivered: u64,
    /// What it will not get: skipped, or left behind when it went.
    pub dropped: u64,
    /// What still waits for its socket.
    pub pending: u64,
}

impl Ledger {
    /// The account once nothing waits any more: what did is dropped.
    pub fn closed(self) -> Ledger {
        Ledger { dropped: self.dropped + self.pending, pending: 0, ..self }
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Ledger) {
        self.meant += other.meant;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.pending += other.pending;
    }
}
