//! How long messages take from their publish to the end of the pass that carried them: a histogram
//! of each worker's.
//!
//! A pass over a cohort brings its clients all that was appended before it began. It is recorded
//! once, at its end, by the age of the oldest of these messages, and with their number: nothing is
//! measured for a single delivery, and the figures never flatter. A client whose socket refuses
//! bytes is not waited for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The upper bounds of the buckets, in microseconds: six for each power of ten, from 100 µs to
/// 10 s. What takes longer is in one bucket more.
pub const BOUNDS_US: [u64; 31] = [
    100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000, 20_000,
    30_000, 50_000, 70_000, 100_000, 150_000, 200_000, 300_000, 500_000, 700_000, 1_000_000,
    1_500_000, 2_000_000, 3_000_000, 5_000_000, 7_000_000, 10_000_000,
];

/// What took longer counts as this: a clock that has jumped must not spoil the sum.
const LONGEST: Duration = Duration::from_secs(3600);

const BUCKETS: usize = BOUNDS_US.len() + 1;

/// Messages that wait for a pass, or are carried by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassLoad {
    /// When the first of them was published.
    oldest: Option<Instant>,
    messages: u64,
}

impl PassLoad {
    /// One more, which is the youngest.
    pub fn add(&mut self, published_at: Instant) {
        self.oldest.get_or_insert(published_at);
        self.messages += 1;
    }
}

/// A histogram in plain memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryTimes {
    /// Messages of each bucket, the one past the last bound too.
    pub counts: [u64; BUCKETS],
    /// The times of all messages, in microseconds, in one sum.
    pub sum_us: u64,
}

impl DeliveryTimes {
    /// Notes that these messages have been carried by now.
    pub fn record(&mut self, carried: PassLoad, now: Instant) {
        let Some(oldest) = carried.oldest else { return };
        let micros = now.saturating_duration_since(oldest).min(LONGEST).as_micros();
        let micros = micros as u64;
        self.counts[BOUNDS_US.partition_point(|&bound| bound < micros)] += carried.messages;
        self.sum_us += micros * carried.messages;
    }

    /// Adds another's.
    pub fn add(&mut self, other: &DeliveryTimes) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum_us += other.sum_us;
    }
}

/// A worker's histogram as others see it. The worker alone writes.
#[derive(Debug, Default)]
pub struct SharedDeliveryTimes {
    counts: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl SharedDeliveryTimes {
    /// For the worker alone: shows what it has recorded.
    pub fn publish(&self, times: &DeliveryTimes) {
        for (shared, count) in self.counts.iter().zip(times.counts) {
            shared.store(count, Ordering::Relaxed);
        }
        self.sum_us.store(times.sum_us, Ordering::Relaxed);
    }

    /// What the worker has shown last.
    pub fn read(&self) -> DeliveryTimes {
        let mut times = DeliveryTimes::default();
        for (count, shared) in times.counts.iter_mut().zip(&self.counts) {
            *count = shared.load(Ordering::Relaxed);
        }
        times.sum_us = self.sum_us.load(Ordering::Relaxed);
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_the_age_of_the_oldest() {
        let start = Instant::now();
        let mut waiting = PassLoad::default();
        waiting.add(start);
        waiting.add(start + Duration::from_micros(80));
        let mut times = DeliveryTimes::default();
        times.record(waiting, start + Duration::from_micros(120));
        let bucket = BOUNDS_US.iter().position(|&bound| bound == 150).expect("it is a bound");
        assert_eq!(times.counts[bucket], 2);
        assert_eq!((times.counts.iter().sum::<u64>(), times.sum_us), (2, 240));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket_and_nothing_is_too_long() {
        let start = Instant::now();
        let mut times = DeliveryTimes::default();
        for micros in [100, 10_000_000, 10_000_001] {
            let mut waiting = PassLoad::default();
            waiting.add(start);
            times.record(waiting, start + Duration::from_micros(micros));
        }
        assert_eq!((times.counts[0], times.counts[30], times.counts[31]), (1, 1, 1));
    }

    #[test]
    fn a_pass_that_carried_nothing_counts_for_nothing() {
        let mut times = DeliveryTimes::default();
        times.record(PassLoad::default(), Instant::now());
        assert_eq!(times, DeliveryTimes::default());
    }

    #[test]
    fn what_is_published_is_read_and_adds_up() {
        let (shared, mut times) = (SharedDeliveryTimes::default(), DeliveryTimes::default());
        let mut waiting = PassLoad::default();
        waiting.add(Instant::now());
        times.record(waiting, Instant::now() + Duration::from_millis(1));
        shared.publish(&times);
        let mut sum = shared.read();
        sum.add(&times);
        assert_eq!(sum.counts.iter().sum::<u64>(), 2);
    }
}
