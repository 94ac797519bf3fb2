//! The closing of every client, spread over a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::ids::ClientKey;
use crate::worker::command::{CloseAll, CloseReason};

/// How often a staggered close closes another few.
pub(super) const CLOSE_STEP: Duration = Duration::from_millis(5);

/// See the module's description.
pub(super) struct StaggeredClose {
    why: CloseReason,
    over: Duration,
    began_at: Instant,
    total: usize,
    waiting: VecDeque<ClientKey>,
}

impl StaggeredClose {
    /// Begins now, with these clients.
    pub(super) fn new(
        CloseAll { why, over }: CloseAll,
        began_at: Instant,
        waiting: VecDeque<ClientKey>,
    ) -> StaggeredClose {
        StaggeredClose { why, over, began_at, total: waiting.len(), waiting }
    }

    /// The next client that is due, and why it is closed.
    pub(super) fn next_due(&mut self, now: Instant) -> Option<(ClientKey, CloseReason)> {
        if self.waiting.len() <= self.left_at(now) {
            return None;
        }
        Some((self.waiting.pop_front()?, self.why.clone()))
    }

    /// Whether all clients were due.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many should be left by now.
    fn left_at(&self, now: Instant) -> usize {
        let elapsed = now - self.began_at;
        if elapsed >= self.over {
            return 0;
        }
        let left = 1.0 - elapsed.as_secs_f64() / self.over.as_secs_f64();
        (self.total as f64 * left) as usize
    }
}
