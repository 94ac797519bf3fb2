//! A line on the terminal that shows how the run is going.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// A progress bar on stderr, if that is a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    messages_before: u64,
}

impl Progress {
    /// `shown` is false where the caller wants machine-readable output.
    pub(crate) fn new(shown: bool) -> Self {
        // A target that is no terminal is hidden by the bar itself.
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{prefix:>10} [{bar:40}] {msg}")
            .expect("the template is valid")
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        Self { bar, messages_before: 0 }
    }

    pub(crate) fn show_connecting(&self, connected: u64, clients: u64) {
        self.bar.set_prefix("connecting");
        self.bar.set_length(clients);
        self.bar.set_position(connected);
        self.bar.set_message(format!("{} / {}", HumanCount(connected), HumanCount(clients)));
    }

    pub(crate) fn show_stage(&self, name: &'static str, elapsed: Duration, length: Duration) {
        self.bar.set_prefix(name);
        self.bar.set_length(length.as_millis() as u64);
        self.bar.set_position(elapsed.as_millis() as u64);
    }

    /// `messages` is the total so far, `since_last` the time since the last call.
    pub(crate) fn show_rate(&mut self, messages: u64, since_last: Duration) {
        let new_messages = messages.saturating_sub(self.messages_before);
        self.messages_before = messages;
        let per_second = new_messages as f64 / since_last.as_secs_f64().max(f64::EPSILON);
        self.bar.set_message(format!("{} messages/s", HumanCount(per_second as u64)));
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
