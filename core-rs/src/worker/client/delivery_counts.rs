//! The account of one client: what was meant for it, and what became of that.

use std::ops::AddAssign;

/// Messages, published and direct. `meant = delivered + dropped + pending`, always: each of them is
/// counted for itself, so that the sum proves something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What it was subscribed to, and what was sent to it alone.
    pub meant: u64,
    /// What its socket has accepted whole.
    pub delivered: u64,
    /// What it will not get.
    pub dropped: Dropped,
    /// What still waits for its socket.
    pub pending: u64,
}

/// Messages that were meant for a client and that it will not get, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// It was too slow, and was disconnected.
    pub slow: u64,
    /// It was too slow, and skipped them.
    pub skipped: u64,
    /// It had closed, or its connection had broken.
    pub closed: u64,
    /// Its worker's queue was full.
    pub queue_full: u64,
}

impl Ledger {
    /// The account once nothing waits any more, because the client is gone.
    pub fn closed(self) -> Ledger {
        let dropped = Dropped { closed: self.dropped.closed + self.pending, ..self.dropped };
        Ledger { dropped, pending: 0, ..self }
    }

    /// Adds messages that never got into the queue of the client's worker.
    pub fn add_refused(&mut self, messages: u64) {
        self.meant += messages;
        self.dropped.queue_full += messages;
    }
}

impl Dropped {
    /// For whatever reason.
    pub fn total(self) -> u64 {
        self.slow + self.skipped + self.closed + self.queue_full
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

impl AddAssign for Dropped {
    fn add_assign(&mut self, other: Dropped) {
        self.slow += other.slow;
        self.skipped += other.skipped;
        self.closed += other.closed;
        self.queue_full += other.queue_full;
    }
}
