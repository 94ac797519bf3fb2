//! When which message is due.

use std::time::{Duration, Instant};

/// Messages come on ticks of this length, as they do from a timer in JavaScript: the same arrivals
/// for all that are compared.
const TICK: Duration = Duration::from_millis(1);

pub(crate) struct Schedule {
    started_at: Instant,
    per_second: f64,
    next: u64,
}

impl Schedule {
    pub(crate) fn new(per_second: f64, now: Instant) -> Self {
        Self { started_at: now, per_second, next: 0 }
    }

    /// The numbers of the messages whose time has come, each once.
    pub(crate) fn due(&mut self, now: Instant) -> std::ops::Range<u64> {
        let due = ((now - self.started_at).as_secs_f64() * self.per_second) as u64;
        let from = self.next;
        self.next = due.max(from);
        from..self.next
    }

    /// How long to sleep: up to the tick at which the next message is due.
    pub(crate) fn until_next(&self, now: Instant) -> Duration {
        let due_at = (self.next + 1) as f64 / self.per_second;
        let left = due_at - (now - self.started_at).as_secs_f64();
        let ticks = (left / TICK.as_secs_f64()).ceil().clamp(0.0, 500.0);
        TICK.mul_f64(ticks)
    }
}
