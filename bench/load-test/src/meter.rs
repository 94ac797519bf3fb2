//! What the reading clients received in the measured window, and what that cost this process.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

use crate::latency::LatencySampler;

/// From this share of one core on, the load tester may have been the bottleneck …
const SATURATED_CPU_PERCENT: f64 = 95.0;
/// … and was, if in at least this share of the intervals it never once found all its sockets empty.
const SATURATED_BEHIND_PERCENT: f64 = 50.0;

/// The counters of the measured window. Outside of it nothing is counted.
pub(crate) struct Meter {
    running_since: Option<Mark>,
    elapsed: Duration,
    cpu_time: Duration,
    pub(crate) messages: u64,
    /// Everything read from the sockets: payloads and frame headers.
    pub(crate) bytes: u64,
    pub(crate) reads: u64,
    pub(crate) latency: LatencySampler,
    intervals: u64,
    intervals_behind: u64,
}

/// A moment on both clocks.
struct Mark {
    at: Instant,
    cpu_time: Duration,
}

impl Mark {
    fn now() -> Self {
        // User and system time of all threads of this process: the sum that getrusage gives.
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self { at: Instant::now(), cpu_time: Duration::new(cpu.tv_sec as u64, cpu.tv_nsec as u32) }
    }
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            running_since: None,
            elapsed: Duration::ZERO,
            cpu_time: Duration::ZERO,
            messages: 0,
            bytes: 0,
            reads: 0,
            latency: LatencySampler::new(),
            intervals: 0,
            intervals_behind: 0,
        }
    }

    pub(crate) fn start(&mut self) {
        self.running_since = Some(Mark::now());
    }

    pub(crate) fn stop(&mut self) {
        if let Some(start) = self.running_since.take() {
            let end = Mark::now();
            self.elapsed = end.at - start.at;
            self.cpu_time = end.cpu_time.saturating_sub(start.cpu_time);
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    /// Counts an interval of the window; `caught_up` if all sockets were found empty at least once.
    pub(crate) fn count_interval(&mut self, caught_up: bool) {
        if self.is_running() {
            self.intervals += 1;
            self.intervals_behind += u64::from(!caught_up);
        }
    }

    /// The length of the window, once it has been stopped.
    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// A count of the window per second of it.
    pub(crate) fn per_second(&self, count: u64) -> f64 {
        ratio(count as f64, self.elapsed.as_secs_f64())
    }

    /// User and system time of this process, in percent of one core.
    pub(crate) fn cpu_percent(&self) -> f64 {
        100.0 * ratio(self.cpu_time.as_secs_f64(), self.elapsed.as_secs_f64())
    }

    /// The share of the intervals in which unread data never ran out, in percent.
    pub(crate) fn behind_percent(&self) -> f64 {
        100.0 * ratio(self.intervals_behind as f64, self.intervals as f64)
    }

    /// Whether the figures show the limits of the load tester rather than those of the server.
    pub(crate) fn saturated(&self) -> bool {
        self.cpu_percent() >= SATURATED_CPU_PERCENT
            && self.behind_percent() >= SATURATED_BEHIND_PERCENT
    }
}

/// `count / base`, or zero where there is nothing to divide by.
fn ratio(count: f64, base: f64) -> f64 {
    if base > 0.0 { count / base } else { 0.0 }
}
