//! How connections end.

mod harness;

use std::io::Read;
use std::net::TcpStream;

use bytes::Bytes;
use shardcast_core::broadcaster::Sent;
use shardcast_core::door::{Handoff, Reservation};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::form::Form;
use shardcast_core::worker::client::discards::Discards;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

use harness::{Harness, masked, one_worker, options, texts_until_close, write};

#[test]
fn a_close_by_the_client_is_answered_and_told_once() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    let frame = CloseFrame { code: CloseCode::Library(4001), reason: "bye".into() };
    client.close(Some(frame)).expect("the server reads");
    assert_eq!(harness.closed(), (key, 4001, "bye".to_owned()));
    assert_eq!(texts_until_close(&mut client).1, 4001);
    assert!(matches!(client.read(), Err(Error::ConnectionClosed)));
    harness.wait_for(|totals| totals.clients == 0);
    assert!(harness.broadcaster.next_event().is_none());
}

#[test]
fn a_close_without_a_code_is_told_as_1005() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    client.close(None).expect("the server reads");
    assert_eq!(harness.closed(), (key, 1005, String::new()));
}

#[test]
fn a_close_by_the_application_comes_after_what_was_sent() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.subscriber("a", "ticks");
    harness.publish("ticks", "one");
    harness.broadcaster.sequencer.send(key, Payload::Text("two"), false);
    harness.broadcaster.sequencer.close(key, 4000, "done".to_owned());
    harness.publish("ticks", "three");
    let expected = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(texts_until_close(&mut client), (expected, 4000, "done".to_owned()));
    assert_eq!(harness.closed(), (key, 4000, "done".to_owned()));
}

#[test]
fn a_terminated_client_hears_no_close_frame() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    harness.broadcaster.sequencer.terminate(key);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(client.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
fn a_client_that_breaks_the_protocol_is_closed_with_the_code_for_it() {
    let mut harness = Harness::start(options());
    let too_big = [&[0x82, 0xFE, 0xFF, 0xFF, 0, 0, 0, 0][..], &[0; 10]].concat();
    let cases: [(&str, u16, Vec<u8>); 5] = [
        ("unmasked", 1002, vec![0x81, 1, b'a']),
        ("reserved bits", 1002, masked(0xF1, b"a")),
        ("fragmented control", 1002, masked(0x09, b"a")),
        ("invalid UTF-8", 1007, masked(0x81, b"\xff")),
        ("too big", 1009, too_big),
    ];
    for (what, code, bytes) in cases {
        let mut limits = options();
        limits.client.max_payload_bytes = 1000;
        let mut harness = Harness::start(limits);
        let (key, mut client) = harness.connect("a");
        write(client.get_ref(), &bytes);
        let (closed, told, _) = harness.closed();
        assert_eq!((closed, told), (key, code), "{what}");
        assert_eq!(texts_until_close(&mut client).1, code, "{what}");
    }
    assert!(harness.broadcaster.next_event().is_none());
}

#[test]
fn what_came_before_a_violation_is_answered_before_the_close() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    write(client.get_ref(), &[masked(0x81, b"question"), masked(0xF1, b"?")].concat());
    assert!(
        matches!(harness.event(), Event::Text(from, text) if from == key && text == "question")
    );
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("answer"), false),
        Sent::Queued
    );
    assert_eq!(harness.closed().1, 1002);
    assert_eq!(texts_until_close(&mut client).0, ["answer"]);
}

#[test]
fn a_frame_without_a_handler_is_counted_and_answered_without_an_event() {
    let mut harness = Harness::start(one_worker());
    let (key, mut client) = harness.connect("a");
    let all = [Discards::MESSAGES, Discards::PINGS, Discards::PONGS];
    for (bit, kind) in all.into_iter().enumerate() {
        assert_eq!(Discards::from_bits(1 << bit), kind);
    }
    harness.broadcaster.sequencer.discard(key, Discards::from_bits(0b111));
    let frames =
        [masked(0x81, b"text"), masked(0x82, b"bytes"), masked(0x8A, b""), masked(0x89, b"?")];
    write(client.get_ref(), &frames.concat());
    assert_eq!(client.read().expect("a pong"), Message::Pong(Bytes::from_static(b"?")));
    harness.wait_for(|totals| totals.messages_received == 2);
    harness.broadcaster.sequencer.discard(key, Discards::default());
    write(client.get_ref(), &masked(0x81, b"heard"));
    assert!(matches!(harness.event(), Event::Text(from, text) if from == key && text == "heard"));
}

#[test]
fn a_frame_without_a_handler_must_still_follow_the_protocol() {
    for (code, bytes) in [(1007, masked(0x81, b"\xff")), (1002, masked(0xF1, b"a"))] {
        let mut harness = Harness::start(options());
        let (key, client) = harness.connect("a");
        harness.broadcaster.sequencer.discard(key, Discards::MESSAGES);
        write(client.get_ref(), &bytes);
        let (closed, told, _) = harness.closed();
        assert_eq!((closed, told), (key, code));
    }
}

/// Only for what a client has said before is there an answer to wait for.
fn close_behind_a_message(harness: &mut Harness, socket: &TcpStream) {
    write(socket, &[masked(0x81, b"hi"), masked(0x88, &4001u16.to_be_bytes())].concat());
    assert!(matches!(harness.event(), Event::Text(..)));
    assert!(matches!(harness.event(), Event::PeerDone(..)));
}

#[test]
fn what_came_before_a_close_is_answered_before_it() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    let close = [&4001u16.to_be_bytes()[..], b"bye"].concat();
    write(client.get_ref(), &[masked(0x81, b"question"), masked(0x88, &close)].concat());
    assert!(
        matches!(harness.event(), Event::Text(from, text) if from == key && text == "question")
    );
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("answer"), false),
        Sent::Queued
    );
    assert_eq!(harness.closed(), (key, 4001, "bye".to_owned()));
    let (texts, code, _) = texts_until_close(&mut client);
    assert_eq!((texts, code), (vec!["answer".to_owned()], 4001));
    assert_eq!(client.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
fn a_close_by_the_application_ends_a_client_that_has_closed() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    close_behind_a_message(&mut harness, client.get_ref());
    harness.broadcaster.sequencer.close(key, 4002, "first".to_owned());
    harness.broadcaster.sequencer.finish(key);
    assert_eq!(harness.closed(), (key, 4002, "first".to_owned()));
    assert_eq!(texts_until_close(&mut client).1, 4002);
    // It does not wait for another close frame.
    assert_eq!(client.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
fn a_connection_that_breaks_after_a_close_frame_was_ended_by_that() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    close_behind_a_message(&mut harness, client.get_ref());
    drop(client);
    // A first write after the end of the connection still succeeds.
    let told = loop {
        harness.broadcaster.sequencer.send(key, Payload::Text("too late"), false);
        if let Some(Event::Closed { code, .. }) = harness.broadcaster.next_event() {
            break code;
        }
    };
    assert_eq!(told, 4001);
    assert_eq!(harness.wait_for(|totals| totals.closed() == 1).closed_by_client, 1);
}

#[test]
fn a_client_that_breaks_the_protocol_may_finish_and_sees_why_it_is_closed() {
    let mut harness = Harness::start(options());
    let (_, mut client) = harness.connect("a");
    write(client.get_ref(), &masked(0xF1, b"?"));
    assert_eq!(harness.closed().1, 1002);
    // More than the buffers between the two of them hold.
    write(client.get_ref(), &vec![0; 64 << 20]);
    assert_eq!(texts_until_close(&mut client).1, 1002);
}

#[test]
fn a_half_closed_connection_counts_as_closed() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    client.get_ref().shutdown(std::net::Shutdown::Write).expect("it is connected");
    assert_eq!(harness.closed(), (key, 1006, String::new()));
}

#[test]
fn a_client_whose_socket_never_comes_is_closed() {
    let mut harness = Harness::start(options());
    let admission = harness.broadcaster.sequencer.admit("a", Form::Raw).expect("there is room");
    let key = admission.key();
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "ticks"), Ok(true));
    drop(admission);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(harness.broadcaster.sequencer.subscriber_count("ticks"), 0);
}

#[test]
fn a_client_whose_socket_stays_at_the_door_for_too_long_is_closed() {
    let mut harness = Harness::start(options());
    let admission = harness.broadcaster.sequencer.admit("a", Form::Raw).expect("there is room");
    let key = admission.key();
    assert_eq!(harness.broadcaster.sequencer.subscribe(key, "ticks"), Ok(true));
    harness.publish("ticks", "kept for it");
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(harness.wait_for(|totals| totals.clients == 0).dropped_closed, 1);
    // Its socket comes after all.
    let (server, mut client) = harness.sockets();
    Box::new(admission).attach(Handoff::answered(server, Bytes::new()));
    assert_eq!(client.read(&mut [0; 16]).expect("an orderly end"), 0);
}
