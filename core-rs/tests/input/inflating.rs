//! What holds for the inflater, whatever a client calls compressed.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use shardcast_core::frame::compression::{InflateError, Inflater};

/// What ends a message that its sender has left out (RFC 7692, section 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// More than any corpus file or generated message becomes. A byte is deflated into 1 of 1032.
const ENOUGH: usize = 1 << 22;

/// A last block without content. It is read as such only where a block may begin.
const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// The message as miniz inflates it, which shares nothing with zlib, if it is whole.
fn by_miniz(compressed: &[u8]) -> Result<Vec<u8>, InflateError> {
    let (message, ends_a_stream) = whatever_miniz_makes(compressed)?;
    let tailed = [compressed, &TAIL, &LAST_BLOCK].concat();
    let is_whole = || {
        let (with_tail, ends_a_stream) = whatever_miniz_makes(&tailed)?;
        Ok(ends_a_stream && with_tail == message)
    };
    if ends_a_stream || is_whole()? { Ok(message) } else { Err(InflateError::Malformed) }
}

/// What miniz makes of it, into a buffer that is large enough from the start, and whether a stream
/// ends with it.
fn whatever_miniz_makes(whole: &[u8]) -> Result<(Vec<u8>, bool), InflateError> {
    let (mut message, mut ends_a_stream) = (Vec::new(), true);
    let mut rest = whole;
    while !rest.is_empty() {
        // After a last block there may be more, which begins anew.
        let mut part = vec![0; ENOUGH];
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let mut stream = DecompressorOxide::new();
        let (status, read, written) = decompress(&mut stream, rest, &mut part, 0, flags);
        ends_a_stream = match status {
            TINFLStatus::Done => true,
            TINFLStatus::NeedsMoreInput => {
                assert_eq!(read, rest.len(), "there was room for all");
                false
            }
            _ => return Err(InflateError::Malformed),
        };
        message.extend(&part[..written]);
        assert!(message.len() < ENOUGH, "it is enough");
        rest = &rest[read..];
    }
    Ok((message, ends_a_stream))
}

/// It inflates what miniz does, or refuses it, with exactly `max` bytes at most.
pub(crate) fn is_inflated_as_by_miniz(compressed: &[u8], max: usize) {
    let expected = by_miniz(compressed);
    let mut inflater = Inflater::default();
    // Twice: the second message is not harmed by the first.
    for _ in 0..2 {
        let inflated = inflater.inflate(compressed, max);
        match &expected {
            Ok(message) if message.len() <= max => {
                assert_eq!(inflated, Ok(&message[..]), "{compressed:x?}");
            }
            Ok(_) => assert_eq!(inflated, Err(InflateError::TooBig), "{compressed:x?}"),
            // What is too big already need not be read to where it is malformed.
            Err(_) => {
                let refused = inflated.is_err() || is_refused_at_the_next_symbol(compressed);
                assert!(refused, "{compressed:x?}");
            }
        }
    }
    if let Ok(message) = &expected {
        assert_eq!(inflater.inflate(compressed, message.len()), Ok(&message[..]));
        if let Some(less) = message.len().checked_sub(1) {
            assert_eq!(inflater.inflate(compressed, less), Err(InflateError::TooBig));
        }
    }
}

/// A block may have a code without symbols. miniz refuses the code, and zlib its first symbol,
/// before which the message may end.
fn is_refused_at_the_next_symbol(compressed: &[u8]) -> bool {
    let further = [compressed, &TAIL, &[0; 100]].concat();
    Inflater::default().inflate(&further, usize::MAX) == Err(InflateError::Malformed)
}
