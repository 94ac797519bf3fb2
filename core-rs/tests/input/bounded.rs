//! What one client can make the server keep.

use std::iter;

use shardcast_core::frame::compression::{Deflater, InflateError, Inflater};
use shardcast_core::frame::form::Form;
use shardcast_core::frame::{Decoder, Rules, Violation, WorkBudget};

use crate::alone::alone;
use crate::frames::MAX_PAYLOAD;
use crate::memory::most_during;

/// The state of a decoder beside the payload, and what the rest of this process may do meanwhile.
const LITTLE: usize = 16 * 1024;

/// What a decoder keeps of a frame whose head alone has come.
const HEAD: usize = 128;

/// A masked frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn feed(decoder: &mut Decoder, bytes: &mut [u8]) -> Result<usize, Violation> {
    let work = &mut WorkBudget::unlimited();
    let rules = Rules { max_payload: MAX_PAYLOAD, inflater: None, leaving: false, work };
    decoder.feed(bytes, rules, &mut |event| panic!("nothing is complete: {event:?}"))
}

#[test]
fn a_message_without_end_is_kept_to_its_limit() {
    alone("bounded::a_message_without_end_is_kept_to_its_limit", || {
        let mut decoder = Decoder::default();
        let mut start = masked(0x02, &[7; 100]);
        let fragment = masked(0x00, &[7; 100]);
        let mut bytes = fragment.clone();
        let mut fragments = 1;
        let most = most_during(|| {
            feed(&mut decoder, &mut start).expect("it is short so far");
            while feed(&mut decoder, &mut bytes).is_ok() {
                bytes.copy_from_slice(&fragment);
                fragments += 1;
            }
        });
        assert_eq!(fragments, MAX_PAYLOAD / 100);
        // A vector that grows has both its buffers for a moment.
        assert!(most <= 4 * MAX_PAYLOAD + LITTLE, "{most} bytes");
    });
}

#[test]
fn fragments_of_nothing_are_kept_as_nothing() {
    alone("bounded::fragments_of_nothing_are_kept_as_nothing", || {
        let mut decoder = Decoder::default();
        let mut start = masked(0x01, b"");
        let mut fragments = masked(0x00, b"").repeat(100_000);
        let most = most_during(|| {
            feed(&mut decoder, &mut start).expect("it is right");
            feed(&mut decoder, &mut fragments).expect("it is right");
        });
        assert!(most <= LITTLE, "{most} bytes");
    });
}

#[test]
fn no_room_is_made_for_an_announced_length() {
    alone("bounded::no_room_is_made_for_an_announced_length", || {
        let mut head = vec![0x82, 0xfe];
        head.extend((MAX_PAYLOAD as u16).to_be_bytes());
        head.extend([0; 4]);
        let mut clients: Vec<_> = iter::repeat_with(Decoder::default).take(1000).collect();
        let most = most_during(|| {
            for decoder in &mut clients {
                feed(decoder, &mut head).expect("it is not too long");
            }
        });
        assert!(most <= clients.len() * HEAD + LITTLE, "{most} bytes");
    });
}

#[test]
fn a_bomb_is_inflated_to_the_limit_and_no_further() {
    alone("bounded::a_bomb_is_inflated_to_the_limit_and_no_further", || {
        let limit = 100_000;
        let zeros = vec![0; 10_000_000];
        let bomb = Deflater::default().deflate(&zeros, Form::Deflated).expect("it is smaller");
        let mut inflater = Inflater::default();
        inflater.inflate(&[], limit).expect("nothing is inflated to nothing");
        let most = most_during(|| {
            assert_eq!(inflater.inflate(&bomb, limit), Err(InflateError::TooBig));
        });
        assert!(most <= 2 * limit + LITTLE, "{most} bytes");
    });
}
