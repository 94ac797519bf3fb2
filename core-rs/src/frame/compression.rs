//! permessage-deflate (RFC 7692): messages compressed one by one, without a window that lasts.
//!
//! Neither side keeps a window from one message to the next, so a message is compressed once for
//! all clients, and an idle client holds no memory for it.

mod inflater;

use flate2::{Compress, FlushCompress};

use crate::frame::form::Form;

pub use inflater::{InflateError, Inflater};

/// Base 2 logarithms of the windows.
const WIDE_WINDOW_BITS: u8 = 15;
const NARROW_WINDOW_BITS: u8 = 9;

/// What ends a flushed stream, and is left out of a message (RFC 7692, section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// More than deflate ever adds to data that it cannot make smaller, for 64 bytes of it; and at
/// least this much at all.
const OVERHEAD_PER_64: usize = 1;
const OVERHEAD_MIN: usize = 128;

/// The largest compressed form of a message of so many bytes.
pub fn most_compressed(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 64 * OVERHEAD_PER_64).saturating_add(OVERHEAD_MIN)
}

/// Deflates messages. One serves a whole worker, and keeps its state between messages for its
/// memory alone.
#[derive(Default)]
pub struct Deflater {
    wide: Option<Compress>,
    narrow: Option<Compress>,
}

impl Deflater {
    /// Deflates one message; `None` when it is not to be, or would grow by more than the few bytes
    /// that data takes which cannot be made smaller.
    pub fn deflate(&mut self, payload: &[u8], form: Form) -> Option<Vec<u8>> {
        let (stream, window_bits) = match form {
            Form::Raw => return None,
            Form::Deflated => (&mut self.wide, WIDE_WINDOW_BITS),
            Form::DeflatedNarrow => (&mut self.narrow, NARROW_WINDOW_BITS),
        };
        let level = flate2::Compression::default();
        let stream =
            stream.get_or_insert_with(|| Compress::new_with_window_bits(level, false, window_bits));
        stream.reset();
        let mut deflated = Vec::with_capacity(most_compressed(payload.len()));
        stream
            .compress_vec(payload, &mut deflated, FlushCompress::Sync)
            .expect("a stream that was just reset takes data");
        // Filled to the brim, it may lack the end.
        if deflated.len() == deflated.capacity() {
            return None;
        }
        deflated.truncate(deflated.len() - TAIL.len());
        Some(deflated)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> Vec<u8> {
        br#"{"t":1700000000000000000,"n":42,"p":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#
            .repeat(4)
    }

    #[test]
    fn a_message_comes_back_and_needs_nothing_of_those_before() {
        let mut deflater = Deflater::default();
        for form in [Form::Deflated, Form::DeflatedNarrow] {
            for _ in 0..3 {
                let deflated = deflater.deflate(&text(), form).expect("it is repetitive");
                assert!(deflated.len() < text().len() / 2);
                assert_eq!(Inflater::default().inflate(&deflated, 1000), Ok(&text()[..]));
            }
        }
    }

    #[test]
    fn what_cannot_get_smaller_grows_by_little_and_comes_back() {
        let mut deflater = Deflater::default();
        let mut state = 1u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(200_000)
        .collect();
        for bytes in [&noise[..0], &noise[..1], &noise[..200], &noise[..]] {
            for form in [Form::Deflated, Form::DeflatedNarrow] {
                let deflated = deflater.deflate(bytes, form).expect("it is to be");
                assert!(deflated.len() < most_compressed(bytes.len()));
                assert_eq!(Inflater::default().inflate(&deflated, bytes.len()), Ok(bytes));
            }
        }
        assert_eq!(deflater.deflate(&text(), Form::Raw), None);
    }

    #[test]
    fn the_example_of_the_rfc_is_understood() {
        // RFC 7692, sections 7.2.3.1 to 7.2.3.5: "Hello" as one block, as a stored one, as a last
        // one, and as two.
        let examples: [&[u8]; 4] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
        ];
        let mut inflater = Inflater::default();
        for example in examples {
            assert_eq!(inflater.inflate(example, 5), Ok(&b"Hello"[..]), "{example:x?}");
            assert_eq!(inflater.inflate(example, 4), Err(InflateError::TooBig), "{example:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_inflated_within_the_limit_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..300), max in 0usize..2000,
        ) {
            let mut inflater = Inflater::default();
            if let Ok(message) = inflater.inflate(&bytes, max) {
                prop_assert!(message.len() <= max);
            }
            // The next message is not harmed by this one.
            let deflated = Deflater::default().deflate(&text(), Form::Deflated).expect("smaller");
            prop_assert_eq!(inflater.inflate(&deflated, 1000), Ok(&text()[..]));
        }

        #[test]
        fn whatever_is_deflated_is_inflated(
            bytes in prop::collection::vec(0u8..4, 0..5000), narrow in any::<bool>(),
        ) {
            let form = if narrow { Form::DeflatedNarrow } else { Form::Deflated };
            if let Some(deflated) = Deflater::default().deflate(&bytes, form) {
                let mut inflater = Inflater::default();
                prop_assert_eq!(inflater.inflate(&deflated, bytes.len()), Ok(&bytes[..]));
            }
        }
    }
}
