use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Message(Vec<u8>),
    Ping(Vec<u8>),
}

#[derive(Default)]
struct Recorder(Vec<Event>);

impl FrameEvents for Recorder {
    fn message(&mut self, head: &[u8]) {
        self.0.push(Event::Message(head.to_vec()));
    }
    fn ping(&mut self, payload: &[u8]) {
        self.0.push(Event::Ping(payload.to_vec()));
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xFFFF => {
            bytes.push(126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// Feeds `bytes` in chunks of the given sizes, in rotation, and records what comes out.
fn feed(bytes: &[u8], chunks: &[usize]) -> (Vec<Event>, Result<Option<u16>, ProtocolError>) {
    let (mut reader, mut recorder) = (FrameReader::new(), Recorder::default());
    let (mut rest, mut sizes) = (bytes, chunks.iter().cycle());
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
        rest = after;
        match reader.feed(chunk, &mut recorder) {
            Ok(None) => {}
            ended => return (recorder.0, ended),
        }
    }
    (recorder.0, Ok(None))
}

fn head(payload: &[u8]) -> Vec<u8> {
    payload[..payload.len().min(HEAD_BYTES)].to_vec()
}

/// A step of a conversation: its bytes and the events that they must give.
fn step() -> impl Strategy<Value = (Vec<u8>, Vec<Event>)> {
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..140),
        2 => prop::collection::vec(any::<u8>(), 140..1000),
        1 => prop::collection::vec(any::<u8>(), 65_530..65_560),
    ];
    let small = prop::collection::vec(any::<u8>(), 0..=125);
    let parts = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 2..5);
    prop_oneof![
        8 => (payload, any::<bool>()).prop_map(|(payload, text)| {
            let first = if text { 0x81 } else { 0x82 };
            (frame(first, &payload), vec![Event::Message(head(&payload))])
        }),
        1 => small.clone().prop_map(|payload| (frame(0x89, &payload), vec![Event::Ping(payload)])),
        1 => small.prop_map(|payload| (frame(0x8A, &payload), vec![])),
        2 => parts.prop_map(fragmented),
    ]
}

/// A message in fragments, with a ping between the first two.
fn fragmented(parts: Vec<Vec<u8>>) -> (Vec<u8>, Vec<Event>) {
    let mut bytes = frame(0x01, &parts[0]);
    bytes.extend(frame(0x89, b"between"));
    for (index, part) in parts.iter().enumerate().skip(1) {
        bytes.extend(frame(if index + 1 == parts.len() { 0x80 } else { 0x00 }, part));
    }
    let whole = parts.concat();
    (bytes, vec![Event::Ping(b"between".to_vec()), Event::Message(head(&whole))])
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        steps in prop::collection::vec(step(), 0..12),
        chunks in prop::collection::vec(1_usize..400, 1..20),
    ) {
        let bytes: Vec<u8> = steps.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<Event> = steps.into_iter().flat_map(|(_, events)| events).collect();
        prop_assert_eq!(feed(&bytes, &[usize::MAX]), (expected.clone(), Ok(None)));
        prop_assert_eq!(feed(&bytes, &chunks), (expected.clone(), Ok(None)));
        prop_assert_eq!(feed(&bytes, &[1]), (expected, Ok(None)));
    }

    #[test]
    fn arbitrary_bytes_end_the_same_way_in_any_chunking(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        chunks in prop::collection::vec(1_usize..40, 1..10),
    ) {
        prop_assert_eq!(feed(&bytes, &[usize::MAX]), feed(&bytes, &chunks));
    }
}

#[test]
fn a_close_frame_gives_its_code_and_ends_the_parsing() {
    let mut bytes = frame(0x88, &[0x03, 0xF5, b'b', b'y', b'e']);
    bytes.extend(frame(0x81, b"too late"));
    assert_eq!(feed(&bytes, &[usize::MAX]), (vec![], Ok(Some(1013))));
    assert_eq!(feed(&bytes, &[1]), (vec![], Ok(Some(1013))));
}

#[test]
fn a_close_frame_without_a_code_is_1005() {
    assert_eq!(feed(&frame(0x88, &[]), &[1]).1, Ok(Some(1005)));
}

#[test]
fn broken_rules_are_named() {
    let rule = |bytes: &[u8]| feed(bytes, &[1]).1.unwrap_err().0;
    assert_eq!(rule(&[0x81, 0x80]), "masked frame from the server");
    assert_eq!(rule(&[0xC1, 0x00]), "reserved bits without an extension");
    assert_eq!(rule(&[0x83, 0x00]), "reserved opcode");
    assert_eq!(rule(&[0x09, 0x00]), "fragmented or oversized control frame");
    assert_eq!(rule(&[0x89, 126]), "fragmented or oversized control frame");
    assert_eq!(rule(&[0x80, 0x00]), "continuation of no message");
    assert_eq!(rule(&[0x01, 0x00, 0x81, 0x00]), "new message inside a fragmented one");
    assert_eq!(rule(&[0x88, 0x01, 0x03]), "close frame of one byte");
    assert_eq!(rule(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), "length with its top bit set");
}

#[test]
fn control_frames_of_a_client_are_masked() {
    let mut bytes = Vec::new();
    push_close(&mut bytes, 1000);
    push_pong(&mut bytes, b"hi");
    let unmask = |payload: &[u8], mask: &[u8]| -> Vec<u8> {
        payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect()
    };
    assert_eq!(bytes[..2], [0x88, 0x82]);
    assert_eq!(unmask(&bytes[6..8], &bytes[2..6]), 1000_u16.to_be_bytes());
    assert_eq!(bytes[8..10], [0x8A, 0x82]);
    assert_eq!(unmask(&bytes[14..16], &bytes[10..14]), b"hi");
}

#[test]
fn a_compressed_message_is_counted_and_shows_nothing() {
    let (mut reader, mut recorder) = (FrameReader::new(), Recorder::default());
    reader.allow_compression();
    let whole = frame(0xC1, b"deflated");
    let fragments = [frame(0x41, b"de"), frame(0x80, b"flated"), frame(0x81, b"plain")].concat();
    assert_eq!(reader.feed(&[whole, fragments].concat(), &mut recorder), Ok(None));
    let messages = [b"".as_slice(), b"", b"plain"].map(|head| Event::Message(head.to_vec()));
    assert_eq!(recorder.0, messages);
}

#[test]
fn a_compressed_message_is_refused_unless_agreed_on() {
    let refused = Err(ProtocolError("reserved bits without an extension"));
    assert_eq!(feed(&frame(0xC1, b"deflated"), &[100]).1, refused);
    let (mut reader, mut recorder) = (FrameReader::new(), Recorder::default());
    reader.allow_compression();
    assert_eq!(reader.feed(&frame(0xC9, b"ping"), &mut recorder), refused);
}
