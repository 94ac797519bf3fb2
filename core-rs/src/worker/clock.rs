//! The worker's clock. It is looked at once a turn, and all that happens in a turn has one time.

use std::time::{Duration, Instant};

/// How often clients are checked for silence and for deadlines.
pub(super) const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// See the module's description.
pub(super) struct Clock {
    started_at: Instant,
    now: Instant,
    next_sweep: Instant,
}

impl Clock {
    pub(super) fn new() -> Clock {
        let now = Instant::now();
        Clock { started_at: now, now, next_sweep: now + SWEEP_INTERVAL }
    }

    /// When the clock was last looked at.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// Whole seconds since the worker started.
    pub(super) fn secs(&self) -> u32 {
        (self.now - self.started_at).as_secs() as u32
    }

    /// Looks at the clock; returns the time since the last look.
    pub(super) fn tick(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.now, Instant::now());
        self.now - before
    }

    /// When the next sweep is due.
    pub(super) fn next_sweep(&self) -> Instant {
        self.next_sweep
    }

    /// Whether a sweep is due. If so, the next one is due after an interval.
    pub(super) fn take_sweep(&mut self) -> bool {
        let is_due = self.now >= self.next_sweep;
        if is_due {
            self.next_sweep = self.now + SWEEP_INTERVAL;
        }
        is_due
    }
}
