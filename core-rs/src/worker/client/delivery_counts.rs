//! The delivery counts of one client: the messages expected to reach it, and what became of them.

use std::ops::AddAssign;

/// Messages, published and direct. `expected = delivered + dropped + pending`, always: each of them
/// is counted for itself, so that the sum proves something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// What it was subscribed to, and what was sent to it alone.
    pub expected: u64,
    /// What its socket has accepted whole.
    pub delivered: u64,
    /// What it will not get.
    pub dropped: Dropped,
    /// What still waits for its socket.
    pub pending: u64,
}

/// Messages expected to reach a client that will not, by reason.
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

impl DeliveryCounts {
    /// The counts once nothing waits any more, because the client is gone.
    pub fn closed(self) -> DeliveryCounts {
        let dropped = Dropped { closed: self.dropped.closed + self.pending, ..self.dropped };
        DeliveryCounts { dropped, pending: 0, ..self }
    }

    /// Adds messages that never got into the queue of the client's worker.
    pub fn add_refused(&mut self, messages: u64) {
        self.expected += messages;
        self.dropped.queue_full += messages;
    }
}

impl Dropped {
    /// For whatever reason.
    pub fn total(self) -> u64 {
        self.slow + self.skipped + self.closed + self.queue_full
    }
}

impl AddAssign for DeliveryCounts {
    fn add_assign(&mut self, other: DeliveryCounts) {
        self.expected += other.expected;
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
