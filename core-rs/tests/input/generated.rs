//! Generated input: conversations that are nearly right, and noise.

use proptest::prelude::*;
use shardcast_core::frame::compression::{Deflater, InflateError, Inflater};
use shardcast_core::frame::form::Form;

use crate::{frames, inflating};

/// A masked frame, whose length is written in its shortest form or in a longer one.
fn frame(first: u8, masked: bool, key: [u8; 4], long: bool, payload: &[u8]) -> Vec<u8> {
    let mask = u8::from(masked) << 7;
    let mut bytes = vec![first];
    match payload.len() {
        length if long => {
            bytes.push(mask | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
        length @ 0..126 => bytes.push(mask | length as u8),
        length => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(length).expect("it is short").to_be_bytes());
        }
    }
    let key = if masked { key } else { [0; 4] };
    bytes.extend(key.iter().take(if masked { 4 } else { 0 }));
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
    bytes
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let close = (0u16..5100, ".{0,10}")
        .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat());
    let cut = (".{1,10}", 0usize..40).prop_map(|(text, cut)| {
        let mut bytes = text.into_bytes();
        bytes.truncate(cut);
        bytes
    });
    let deflated = ".{0,40}".prop_map(|text| {
        let deflated = Deflater::default().deflate(text.as_bytes(), Form::Deflated);
        deflated.expect("it is to be")
    });
    prop_oneof![
        3 => ".{0,40}".prop_map(String::into_bytes),
        2 => cut,
        1 => Just(Vec::new()),
        1 => close,
        1 => deflated,
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (900usize..1100).prop_map(|length| vec![b'a'; length]),
    ]
}

/// Frames of one client. Most of their heads are right.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        4 => Just(0x01u8), 4 => Just(0x81), 2 => Just(0x82), 2 => Just(0x02), 4 => Just(0x80),
        4 => Just(0x00), 2 => Just(0x89), 2 => Just(0x8a), 1 => Just(0x88), 1 => Just(0xc1),
        1 => Just(0x41), 1 => any::<u8>(),
    ];
    let masked = prop::bool::weighted(0.97);
    let long = prop::bool::weighted(0.1);
    let frame = (first, masked, any::<[u8; 4]>(), long, payload())
        .prop_map(|(first, masked, key, long, payload)| frame(first, masked, key, long, &payload));
    let end = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    (prop::collection::vec(frame, 0..12), end)
        .prop_map(|(frames, end)| [frames.concat(), end].concat())
}

/// Compressed messages, whole and damaged.
fn compressed() -> impl Strategy<Value = Vec<u8>> {
    let message = prop_oneof![
        prop::collection::vec(0u8..4, 0..3000),
        (0usize..50_000).prop_map(|length| vec![b' '; length]),
    ];
    let deflated = (message, any::<bool>()).prop_map(|(message, narrow)| {
        let form = if narrow { Form::DeflatedNarrow } else { Form::Deflated };
        Deflater::default().deflate(&message, form).expect("it is to be")
    });
    let cut = prop::option::weighted(0.2, any::<prop::sample::Index>());
    let damage = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    let whole = (deflated, damage, cut).prop_map(|(mut deflated, damage, cut)| {
        if let Some((at, byte)) = damage.filter(|_| !deflated.is_empty()) {
            let at = at.index(deflated.len());
            deflated[at] = byte;
        }
        if let Some(cut) = cut.filter(|_| !deflated.is_empty()) {
            deflated.truncate(cut.index(deflated.len()));
        }
        deflated
    });
    prop_oneof![3 => whole, 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

/// Nothing is heard of a message that ends too early: what its sender has left out would be taken
/// for more of its data.
fn is_refused_if_it_is_cut_short(compressed: &[u8], at: usize) {
    let cut = Inflater::default().inflate(&compressed[..at], usize::MAX).map(<[u8]>::len);
    assert_eq!(cut, Err(InflateError::Malformed), "{at} bytes of {compressed:x?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_conversation_is_heard_in_any_pieces(
        stream in conversation(), piece in 2usize..400, compressed in any::<bool>(),
    ) {
        frames::is_heard_in_any_pieces(&stream, piece, compressed);
    }

    #[test]
    fn any_conversation_is_heard_as_by_tungstenite(stream in conversation()) {
        frames::is_heard_as_by_tungstenite(&stream);
    }

    #[test]
    fn noise_is_heard_as_by_tungstenite(stream in prop::collection::vec(any::<u8>(), 0..64)) {
        frames::is_heard_as_by_tungstenite(&stream);
        frames::is_heard_in_any_pieces(&stream, 3, true);
    }
}

proptest! {
    #[test]
    fn anything_is_inflated_as_by_miniz(compressed in compressed(), max in 0usize..60_000) {
        inflating::is_inflated_as_by_miniz(&compressed, max);
    }

    #[test]
    fn a_message_that_is_cut_short_is_refused(
        message in prop::collection::vec(0u8..4, 1..3000), at in any::<prop::sample::Index>(),
    ) {
        let deflated = Deflater::default().deflate(&message, Form::Deflated);
        let deflated = deflated.expect("it is smaller");
        // Of nothing at all nothing is missing.
        let at = 1 + at.index(deflated.len() - 1);
        is_refused_if_it_is_cut_short(&deflated, at);
    }
}
