//! Messages that are compressed once, for those that take them so.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;

use shardcast_core::broadcaster::{Publication, Sent};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::compression::{Deflater, Inflater};
use shardcast_core::frame::form::Form;
use shardcast_core::ids::ClientKey;

use harness::{Harness, TestClient, options, text};

const COMPRESSED_TEXT: u8 = 0xc1;
const PLAIN_TEXT: u8 = 0x81;

/// The first byte of the next frame, and its payload as it came.
fn raw(client: &TestClient) -> (u8, Vec<u8>) {
    let mut socket: &TcpStream = client.get_ref();
    let mut head = [0; 2];
    socket.read_exact(&mut head).expect("a frame comes");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            socket.read_exact(&mut length).expect("its length comes");
            usize::from(u16::from_be_bytes(length))
        }
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    socket.read_exact(&mut payload).expect("its payload comes");
    (head[0], payload)
}

fn inflated(client: &TestClient) -> String {
    let (first, payload) = raw(client);
    assert_eq!(first, COMPRESSED_TEXT);
    let mut inflater = Inflater::default();
    let message = inflater.inflate(&payload, 1 << 20).expect("it is deflated");
    String::from_utf8(message.to_vec()).expect("it is text")
}

fn subscriber(harness: &mut Harness, form: Form) -> (ClientKey, TestClient) {
    let (key, client) = harness.connect_with("a", form);
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "ticks"), Ok(true));
    (key, client)
}

fn message(number: usize) -> String {
    format!("{number} {}", "tick ".repeat(100))
}

#[test]
fn each_client_gets_each_message_in_its_own_form() {
    let mut harness = Harness::start(options());
    let (_, mut plain) = subscriber(&mut harness, Form::Raw);
    let (_, wide) = subscriber(&mut harness, Form::Deflated);
    let (_, narrow) = subscriber(&mut harness, Form::DeflatedNarrow);
    for number in 0..50 {
        harness.publish("ticks", &message(number));
    }
    for number in 0..50 {
        assert_eq!(text(&mut plain), message(number));
        assert_eq!(inflated(&wide), message(number));
        assert_eq!(inflated(&narrow), message(number));
    }
    let totals = harness.wait_for(|totals| totals.deliveries == 150);
    assert_eq!(totals.deliveries_expected, 150);
}

#[test]
fn short_messages_and_those_that_are_not_to_be_are_not_compressed() {
    let mut harness = Harness::start(options());
    let (key, client) = subscriber(&mut harness, Form::Deflated);
    harness.publish("ticks", "tick tick tick tick");
    assert_eq!(raw(&client).0, PLAIN_TEXT);
    let text = message(1);
    let plain = Publication { compress: false, ..Publication::default() };
    harness.broadcaster.sequencer.publish("ticks", Payload::Text(&text), plain);
    assert_eq!(raw(&client).0, PLAIN_TEXT);
    assert_eq!(harness.broadcaster.sequencer.send(key, Payload::Text(&text), false), Sent::Queued);
    assert_eq!(raw(&client).0, PLAIN_TEXT);
    assert_eq!(harness.broadcaster.sequencer.send(key, Payload::Text(&text), true), Sent::Queued);
    assert_eq!(inflated(&client), message(1));
    harness.wait_for(|totals| totals.deliveries == 4);
    assert_eq!(harness.broadcaster.sequencer.buffered(key), 0, "all that was sent has left");
}

/// A masked text frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("it is short");
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// A compressed text in fragments.
fn fragments_of(compressed: &[u8]) -> Vec<u8> {
    let pieces = compressed.chunks(100).map(|piece| masked(0x00, piece));
    let mut frames = [masked(0x41, b""), pieces.collect::<Vec<_>>().concat()].concat();
    frames.extend(masked(0x80, b""));
    frames
}

#[test]
fn compressed_messages_are_understood_whole_and_in_fragments() {
    let mut harness = Harness::start(options());
    let (_, client) = subscriber(&mut harness, Form::Deflated);
    let mut deflater = Deflater::default();
    let deflated = deflater.deflate(message(7).as_bytes(), Form::Deflated).expect("smaller");
    let (start, end) = deflated.split_at(deflated.len() / 2);
    let mut socket: &TcpStream = client.get_ref();
    socket.write_all(&masked(0xc1, &deflated)).expect("the server reads");
    socket.write_all(&masked(0x41, start)).expect("the server reads");
    socket.write_all(&masked(0x80, end)).expect("the server reads");
    socket.write_all(&masked(0x81, b"plain")).expect("the server reads");
    for expected in [message(7), message(7), "plain".to_owned()] {
        assert!(matches!(harness.event(), Event::Text(_, text) if text == expected));
    }
}

#[test]
fn bombs_and_cut_messages_are_refused_and_so_is_compression_that_was_not_agreed_on() {
    let mut harness = Harness::start(options());
    let too_big = vec![b' '; options().client.max_payload_bytes + 1];
    let bomb = Deflater::default().deflate(&too_big, Form::Deflated).expect("smaller");
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let (cut_short, _) = hello.split_at(4);
    let cases = [
        (Form::Deflated, masked(0xc1, &bomb), 1009),
        (Form::Deflated, masked(0xc1, b"not deflated"), 1007),
        (Form::Deflated, masked(0xc1, cut_short), 1007),
        (Form::Deflated, fragments_of(&[0x03, 0x00].repeat(10_000)), 1009),
        (Form::Deflated, masked(0xc9, b""), 1002),
        (Form::Deflated, masked(0xa1, b""), 1002),
        (Form::Raw, masked(0xc1, b""), 1002),
    ];
    for (form, bytes, code) in cases {
        let (key, client) = harness.connect_with("a", form);
        (&mut client.get_ref()).write_all(&bytes).expect("the server reads");
        let (closed, told, _) = harness.closed();
        assert_eq!((closed, told), (key, code), "{bytes:x?}");
    }
}
