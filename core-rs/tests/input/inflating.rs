//! What holds for the inflater, whatever a client calls compressed.

use flate2::{Decompress, FlushDecompress, Status};
use shardcast_core::compression::{InflateError, Inflater};

/// What ends a message that its sender has left out (RFC 7692, section 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// More than any corpus file or generated message becomes. A byte is deflated into 1 of 1032.
const ENOUGH: usize = 1 << 22;

/// The message as flate2's stream inflates it, into a buffer that is large enough from the start.
fn by_flate2(compressed: &[u8]) -> Result<Vec<u8>, InflateError> {
    let whole = [compressed, &TAIL].concat();
    let mut message = Vec::with_capacity(ENOUGH);
    let mut rest = &whole[..];
    while !rest.is_empty() {
        // After a last block there may be more, which begins anew.
        let mut stream = Decompress::new(false);
        let status = stream.decompress_vec(rest, &mut message, FlushDecompress::Sync);
        let status = status.map_err(|_| InflateError::Malformed)?;
        assert!(message.len() < ENOUGH, "it is enough");
        rest = &rest[stream.total_in() as usize..];
        if status != Status::StreamEnd {
            assert!(rest.is_empty(), "there was room for all");
        }
    }
    Ok(message)
}

/// It inflates what flate2 does, or refuses it, with exactly `max` bytes at most.
pub(crate) fn is_inflated_as_by_flate2(compressed: &[u8], max: usize) {
    let expected = by_flate2(compressed);
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
            Err(_) => assert!(inflated.is_err(), "{compressed:x?}"),
        }
    }
    if let Ok(message) = &expected {
        assert_eq!(inflater.inflate(compressed, message.len()), Ok(&message[..]));
        if let Some(less) = message.len().checked_sub(1) {
            assert_eq!(inflater.inflate(compressed, less), Err(InflateError::TooBig));
        }
    }
}
