use super::header::MASKED;
use super::*;
use crate::frame::{FIN, LENGTH_16, LENGTH_64};
use proptest::prelude::*;

const MAX: usize = 1 << 20;

/// The same with a payload of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Violation(u16),
}

impl From<Received<'_>> for Owned {
    fn from(event: Received<'_>) -> Owned {
        match event {
            Received::Text(text) => Owned::Text(text.to_owned()),
            Received::Binary(bytes) => Owned::Binary(bytes.to_owned()),
            Received::Ping(bytes) => Owned::Ping(bytes.to_owned()),
            Received::Pong(bytes) => Owned::Pong(bytes.to_owned()),
            Received::Close(code, reason) => Owned::Close(code, reason.to_owned()),
        }
    }
}

fn frame(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(MASKED | short as u8),
        medium @ 126..65_536 => {
            bytes.push(MASKED | LENGTH_16);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(MASKED | LENGTH_64);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(key);
    bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    bytes
}

fn final_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(FIN | opcode as u8, [1, 2, 3, 4], payload)
}

fn first_frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    frame(opcode as u8, [9, 8, 7, 6], payload)
}

/// Everything that `pieces` say, up to the first violation.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, max_payload: usize) -> Vec<Owned> {
    let mut decoder = Decoder::default();
    let mut received = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let work = &mut WorkBudget::unlimited();
        let rules = Rules { max_payload, inflater: None, leaving: false, work };
        let result = decoder.feed(&mut piece, rules, &mut |event| received.push(event.into()));
        if let Err(violation) = result {
            received.push(Owned::Violation(violation.code));
            break;
        }
    }
    received
}

fn receive_all(bytes: &[u8]) -> Vec<Owned> {
    receive([bytes], MAX)
}

#[test]
fn a_control_frame_may_stand_between_two_fragments() {
    let bytes = [
        first_frame(Opcode::Text, b"hel"),
        final_frame(Opcode::Ping, b"?"),
        final_frame(Opcode::Continuation, b"lo"),
    ];
    let expected = [Owned::Ping(b"?".to_vec()), Owned::Text("hello".to_owned())];
    assert_eq!(receive_all(&bytes.concat()), expected);
}

#[test]
fn what_breaks_the_protocol_closes_with_1002() {
    let unmasked = vec![0x81, 0x01, b'a'];
    let cases: [(&str, Vec<u8>); 9] = [
        ("unmasked", unmasked),
        ("reserved bit", frame(0xC1, [0; 4], b"a")),
        ("reserved opcode", frame(0x83, [0; 4], b"a")),
        ("fragmented ping", frame(0x09, [0; 4], b"a")),
        ("long ping", final_frame(Opcode::Ping, &[0; 126])),
        ("continuation of nothing", final_frame(Opcode::Continuation, b"a")),
        (
            "message inside a message",
            [first_frame(Opcode::Text, b"a"), final_frame(Opcode::Text, b"b")].concat(),
        ),
        ("close of one byte", final_frame(Opcode::Close, b"a")),
        ("close code that is never sent", final_frame(Opcode::Close, &1006u16.to_be_bytes())),
    ];
    for (what, bytes) in cases {
        assert_eq!(receive_all(&bytes), [Owned::Violation(1002)], "{what}");
    }
}

#[test]
fn a_message_over_the_limit_closes_with_1009_before_its_payload_arrives() {
    let mut bytes = final_frame(Opcode::Binary, &[0; 101]);
    bytes.truncate(6);
    assert_eq!(receive([&bytes[..]], 100), [Owned::Violation(1009)]);
}

#[test]
fn fragments_count_together_against_the_limit() {
    let bytes =
        [first_frame(Opcode::Binary, &[0; 60]), final_frame(Opcode::Continuation, &[0; 41])];
    assert_eq!(receive([&bytes.concat()[..]], 100), [Owned::Violation(1009)]);
}

#[test]
fn wrong_utf8_in_a_first_fragment_closes_at_once_with_1007() {
    assert_eq!(receive_all(&first_frame(Opcode::Text, b"ok\xff")), [Owned::Violation(1007)]);
}

#[test]
fn nothing_after_a_close_is_decoded() {
    let bytes =
        [final_frame(Opcode::Close, b"\x03\xe8bye"), final_frame(Opcode::Text, b"too late")];
    assert_eq!(receive_all(&bytes.concat()), [Owned::Close(Some(1000), "bye".to_owned())]);
}

#[test]
fn nothing_after_a_violation_is_decoded() {
    // Cut inside a character, of which the last byte is wrong.
    let text = frame(0x01, [0; 4], b"\xf0\x90\x80\xff");
    let mut decoder = Decoder::default();
    let mut feed = |bytes: &[u8]| {
        let work = &mut WorkBudget::unlimited();
        let rules = Rules { max_payload: MAX, inflater: None, leaving: false, work };
        let fed =
            decoder.feed(&mut bytes.to_vec(), rules, &mut |event| panic!("{event:?} is handed on"));
        fed.map(|taken| assert_eq!(taken, bytes.len()))
    };
    let (start, wrong) = text.split_at(text.len() - 1);
    assert_eq!(feed(start), Ok(()));
    assert_eq!(feed(wrong), Err(Violation::NOT_UTF8));
    for after in [&b"\x80"[..], &final_frame(Opcode::Binary, b"too late")] {
        assert_eq!(feed(after), Ok(()));
    }
}

#[test]
fn of_a_client_that_leaves_only_its_close_frame_is_handed_on() {
    let bomb = frame(0xC1, [0; 4], b"it is not even deflated");
    let frames = [
        bomb,
        final_frame(Opcode::Text, b"\xff"),
        final_frame(Opcode::Ping, b"?"),
        final_frame(Opcode::Close, b"\x03\xe8"),
    ];
    let mut received = Vec::new();
    let mut inflater = Inflater::default();
    let work = &mut WorkBudget::unlimited();
    let rules = Rules { max_payload: MAX, inflater: Some(&mut inflater), leaving: true, work };
    let mut frames = frames.concat();
    let result =
        Decoder::default().feed(&mut frames, rules, &mut |event| received.push(Owned::from(event)));
    assert_eq!(result, Ok(frames.len()));
    assert_eq!(received, [Owned::Close(Some(1000), String::new())]);
}

/// Frames of whole conversations, right and wrong ones.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        3 => Just(Opcode::Text),
        3 => Just(Opcode::Binary),
        3 => Just(Opcode::Continuation),
        1 => Just(Opcode::Ping),
        1 => Just(Opcode::Pong),
    ];
    let payload = prop_oneof![
        4 => ".{0,30}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..300),
    ];
    let one = (opcode, any::<bool>(), any::<[u8; 4]>(), payload).prop_map(
        |(opcode, fin, key, payload)| frame(opcode as u8 | u8::from(fin) << 7, key, &payload),
    );
    prop::collection::vec(one, 0..12).prop_map(|frames| frames.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        bytes in conversation(),
        cuts in prop::collection::vec(0usize..4000, 0..20),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(receive(pieces, MAX), receive_all(&bytes));
        prop_assert_eq!(receive(bytes.chunks(1), MAX), receive_all(&bytes));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        receive_all(&bytes);
    }

    #[test]
    fn a_message_comes_out_as_it_went_in(text in ".{0,100}", key in any::<[u8; 4]>()) {
        prop_assert_eq!(receive_all(&frame(0x81, key, text.as_bytes())), [Owned::Text(text)]);
    }
}
