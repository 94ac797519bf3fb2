//! The stages of a run and how long they last.

use std::time::{Duration, Instant};

use crate::options::Options;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Until every connect has worked or failed.
    Connecting,
    WarmingUp,
    Measuring,
    Over,
}

/// Where the run is.
pub(crate) struct Timeline {
    stage: Stage,
    since: Instant,
    warmup: Duration,
    duration: Duration,
}

impl Timeline {
    pub(crate) fn new(options: &Options, now: Instant) -> Self {
        let (warmup, duration) = (options.warmup, options.duration);
        Self { stage: Stage::Connecting, since: now, warmup, duration }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn enter(&mut self, stage: Stage, now: Instant) {
        self.stage = stage;
        self.since = now;
    }

    /// How long this stage has lasted and how long it lasts in all, if it has a set length.
    pub(crate) fn elapsed_of(&self, now: Instant) -> Option<(Duration, Duration)> {
        let length = match self.stage {
            Stage::WarmingUp => self.warmup,
            Stage::Measuring => self.duration,
            Stage::Connecting | Stage::Over => return None,
        };
        Some((now - self.since, length))
    }

    /// What is left of this stage; `None` if its end is no matter of time.
    pub(crate) fn remaining(&self, now: Instant) -> Option<Duration> {
        self.elapsed_of(now).map(|(elapsed, length)| length.saturating_sub(elapsed))
    }
}
