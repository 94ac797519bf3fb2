//! Publish-to-receive latency, sampled.
//!
//! What is sampled: of every read of a client, each of the first [`DENSE_SAMPLES`] messages, and
//! every [`SPARSE_STEP`]th one after them. A sample stands for itself and for the messages up to
//! the next sample. Those were published later and arrived in the same read, so their latency is at
//! most the sample's: percentiles are per delivery, exact while reads are small, and never
//! flattering.
//!
//! The time of arrival is when the read returned. Messages without `"t"` are not sampled.

use hdrhistogram::Histogram;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::fields::FieldFinder;

const DENSE_SAMPLES: u32 = 8;
const SPARSE_STEP: u32 = 8;

/// The histogram ends at one hour, in microseconds; what took longer is recorded as that.
const LONGEST_US: u64 = 3_600_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Samples the messages of one read after the other into one histogram.
pub(crate) struct LatencySampler {
    histogram_us: Histogram<u64>,
    read_at_ns: u64,
    until_next_sample: u32,
    position: u32,
    sample_us: Option<u64>,
    stands_for: u64,
}

impl LatencySampler {
    pub(crate) fn new() -> Self {
        Self {
            histogram_us: Histogram::new_with_max(LONGEST_US, SIGNIFICANT_DIGITS)
                .expect("one hour in microseconds is a valid range"),
            read_at_ns: 0,
            until_next_sample: 0,
            position: 0,
            sample_us: None,
            stands_for: 0,
        }
    }

    /// Begins a read that returned at `read_at_ns`, in nanoseconds since 1970.
    pub(crate) fn begin_read(&mut self, read_at_ns: u64) {
        self.read_at_ns = read_at_ns;
        self.position = 0;
        self.until_next_sample = 0;
    }

    /// Takes note of the next message of the read.
    #[inline]
    pub(crate) fn message(&mut self, head: &[u8], fields: &mut FieldFinder) {
        if self.until_next_sample > 0 {
            self.until_next_sample -= 1;
            self.stands_for += 1;
        } else {
            self.sample(fields.t_ns(head));
        }
    }

    fn sample(&mut self, published_at_ns: Option<u64>) {
        self.end_read();
        // A clock that is ahead, on another machine, gives a latency of zero rather than a huge
        // one.
        self.sample_us = published_at_ns.map(|t_ns| self.read_at_ns.saturating_sub(t_ns) / 1000);
        self.stands_for = 1;
        self.position += 1;
        self.until_next_sample = if self.position < DENSE_SAMPLES { 0 } else { SPARSE_STEP - 1 };
    }

    /// Records the last sample of the read with the number of messages that it stands for.
    pub(crate) fn end_read(&mut self) {
        if let Some(latency_us) = self.sample_us.take() {
            self.histogram_us.saturating_record_n(latency_us, self.stands_for);
        }
    }

    /// The latency in microseconds that `percentile` (0 to 100) of the deliveries did not exceed;
    /// `None` if there was nothing to measure.
    pub(crate) fn percentile_us(&self, percentile: f64) -> Option<u64> {
        let measured = !self.histogram_us.is_empty();
        measured
            .then(|| self.histogram_us.value_at_percentile(percentile).min(self.histogram_us.max()))
    }
}

/// The wall clock in nanoseconds since 1970, which is what publishers write into `"t"`.
pub(crate) fn unix_time_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since_1970.as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sampler: &mut LatencySampler, read_at_us: u64, published_at_us: &[u64]) {
        let mut fields = FieldFinder::default();
        sampler.begin_read(read_at_us * 1000);
        for t_us in published_at_us {
            sampler.message(format!("{{\"t\":{}}}", t_us * 1000).as_bytes(), &mut fields);
        }
        sampler.end_read();
    }

    #[test]
    fn every_message_of_a_small_read_is_measured() {
        let mut sampler = LatencySampler::new();
        read(&mut sampler, 1000, &[100, 400, 900]);
        assert_eq!(sampler.histogram_us.len(), 3);
        assert_eq!(sampler.percentile_us(0.0), Some(100));
        assert_eq!(sampler.percentile_us(50.0), Some(600));
        assert_eq!(sampler.percentile_us(100.0), Some(900));
    }

    #[test]
    fn samples_of_a_large_read_stand_for_all_its_messages() {
        let mut sampler = LatencySampler::new();
        let published: Vec<u64> = (1..=100).collect();
        read(&mut sampler, 101, &published);
        assert_eq!(sampler.histogram_us.len(), 100);
        assert_eq!(sampler.percentile_us(100.0), Some(100));
        let median = sampler.percentile_us(50.0).unwrap();
        assert!((50..=58).contains(&median), "{median}");
    }

    #[test]
    fn messages_without_a_time_are_not_measured() {
        let mut sampler = LatencySampler::new();
        sampler.begin_read(1);
        sampler.message(b"hello", &mut FieldFinder::default());
        sampler.end_read();
        assert_eq!(sampler.percentile_us(50.0), None);
    }
}
