//! Loss and order within the numbered messages of one connection.

use serde::Serialize;

/// Follows the numbers `n` of one connection from the first one seen.
///
/// The messages of a connection are taken to be one sequence, because a message does not name its
/// channel: clients that listen to several numbered channels at once must turn verification off.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    first_n: Option<u64>,
    /// One more than the highest number seen.
    next_n: u64,
    counts: Discrepancies,
}

/// What was wrong with the numbers of one connection, or of many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Discrepancies {
    /// Numbers that were jumped over.
    pub(crate) missing: u64,
    /// Numbers that were not above all earlier ones: duplicates, and messages that came late. A
    /// late message was also counted as missing when its place was passed.
    pub(crate) out_of_order: u64,
    /// Messages in which no number was found; they are not verified.
    pub(crate) unnumbered: u64,
}

impl Discrepancies {
    pub(crate) fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.out_of_order += other.out_of_order;
        self.unnumbered += other.unnumbered;
    }
}

impl Sequence {
    /// Checks the number of the next message; `None` is a message without one.
    #[inline]
    pub(crate) fn observe(&mut self, n: Option<u64>) {
        match n {
            Some(n) if n == self.next_n && self.first_n.is_some() => {
                self.next_n = n.wrapping_add(1)
            }
            other => self.observe_unexpected(other),
        }
    }

    #[cold]
    fn observe_unexpected(&mut self, n: Option<u64>) {
        let Some(n) = n else {
            self.counts.unnumbered += 1;
            return;
        };
        if self.first_n.is_none() {
            self.first_n = Some(n);
        } else if n < self.next_n {
            self.counts.out_of_order += 1;
            return;
        } else {
            self.counts.missing += n - self.next_n;
        }
        self.next_n = n.wrapping_add(1);
    }

    /// Takes the next message to be the one that is due, without looking. A later `observe` finds
    /// out.
    #[inline]
    pub(crate) fn assume_next(&mut self) {
        self.next_n = self.next_n.wrapping_add(1);
    }

    /// The highest number seen, or `None` before the first.
    pub(crate) fn last_n(&self) -> Option<u64> {
        self.first_n.map(|_| self.next_n.wrapping_sub(1))
    }

    pub(crate) fn discrepancies(&self) -> Discrepancies {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(numbers: &[u64]) -> (Option<u64>, u64, u64) {
        let mut sequence = Sequence::default();
        numbers.iter().for_each(|n| sequence.observe(Some(*n)));
        let counts = sequence.discrepancies();
        (sequence.last_n(), counts.missing, counts.out_of_order)
    }

    #[test]
    fn the_first_number_is_where_verification_starts() {
        assert_eq!(observe(&[]), (None, 0, 0));
        assert_eq!(observe(&[0, 1, 2]), (Some(2), 0, 0));
        assert_eq!(observe(&[17, 18]), (Some(18), 0, 0));
    }

    #[test]
    fn gaps_are_missing_and_repeats_are_out_of_order() {
        assert_eq!(observe(&[3, 4, 7]), (Some(7), 2, 0));
        assert_eq!(observe(&[3, 3, 4]), (Some(4), 0, 1));
        assert_eq!(observe(&[3, 5, 4, 6]), (Some(6), 1, 1));
    }

    #[test]
    fn a_message_without_a_number_is_counted_apart() {
        let mut sequence = Sequence::default();
        sequence.observe(None);
        assert_eq!(sequence.last_n(), None);
        assert_eq!(sequence.discrepancies().unnumbered, 1);
    }

    #[test]
    fn an_assumption_that_was_wrong_shows_at_the_next_look() {
        let mut sequence = Sequence::default();
        sequence.observe(Some(0));
        sequence.assume_next();
        sequence.observe(Some(3));
        assert_eq!((sequence.last_n(), sequence.discrepancies().missing), (Some(3), 1));
    }
}
