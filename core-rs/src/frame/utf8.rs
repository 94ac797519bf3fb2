//! UTF-8 validation of text that arrives in pieces. Fails on the first byte that cannot be right.

/// The longest UTF-8 sequence that can be incomplete, in bytes.
const INCOMPLETE_MAX: usize = 3;

/// The text was not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

/// A validator between two pieces: it keeps the bytes of a character that a piece cut in two.
#[derive(Default)]
pub(super) struct Utf8Validator {
    carry: [u8; INCOMPLETE_MAX + 1],
    carried: usize,
}

impl Utf8Validator {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), NotUtf8> {
        let rest = self.complete_carry(piece)?;
        if simdutf8::basic::from_utf8(rest).is_ok() {
            return Ok(());
        }
        match std::str::from_utf8(rest) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_some() => Err(NotUtf8),
            Err(error) => {
                let incomplete = &rest[error.valid_up_to()..];
                self.carry[..incomplete.len()].copy_from_slice(incomplete);
                self.carried = incomplete.len();
                Ok(())
            }
        }
    }

    /// The text has ended: no character may be incomplete.
    pub(super) fn finish(&self) -> Result<(), NotUtf8> {
        if self.carried == 0 { Ok(()) } else { Err(NotUtf8) }
    }

    /// Finishes the character that the last piece cut, and returns what follows it.
    fn complete_carry<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], NotUtf8> {
        while self.carried > 0 {
            let Some((byte, rest)) = piece.split_first() else { break };
            self.carry[self.carried] = *byte;
            self.carried += 1;
            piece = rest;
            match std::str::from_utf8(&self.carry[..self.carried]) {
                Ok(_) => self.carried = 0,
                Err(error) if error.error_len().is_some() => return Err(NotUtf8),
                Err(_) => {}
            }
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn validate(pieces: &[&[u8]]) -> Result<(), NotUtf8> {
        let mut validator = Utf8Validator::default();
        for piece in pieces {
            validator.feed(piece)?;
        }
        validator.finish()
    }

    #[test]
    fn a_wrong_byte_fails_before_its_character_is_complete() {
        let mut validator = Utf8Validator::default();
        assert_eq!(validator.feed(b"\xed"), Ok(()));
        assert_eq!(validator.feed(b"\xa0"), Err(NotUtf8), "a surrogate half");
    }

    #[test]
    fn a_text_that_ends_inside_a_character_is_wrong() {
        assert_eq!(validate(&["ä".as_bytes().split_at(1).0]), Err(NotUtf8));
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole_is(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                ".{0,20}".prop_map(String::into_bytes),
            ],
            cuts in prop::collection::vec(0usize..40, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(validate(&pieces).is_ok(), std::str::from_utf8(&bytes).is_ok());
        }
    }
}
