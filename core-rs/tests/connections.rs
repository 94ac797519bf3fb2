//! From the clients' sockets to JavaScript, and how connections end.

mod harness;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use shardcast_core::bridge::Event;
use shardcast_core::broadcaster::Sent;
use shardcast_core::compression::Compression;
use shardcast_core::departure::Cause;
use shardcast_core::discards::Discards;
use shardcast_core::door::{Entrant, Reservation};
use shardcast_core::frame::{Frame, Payload};
use shardcast_core::reports::Question;
use socket2::SockRef;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

use harness::{Harness, one_worker, options, text, texts_until_close};

/// A masked frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn write(socket: &TcpStream, bytes: &[u8]) {
    (&mut &*socket).write_all(bytes).expect("the server reads");
}

#[test]
fn messages_reach_javascript_in_order_and_by_type() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    client.send(Message::text("grüße")).expect("the server reads");
    client.send(Message::binary(vec![0, 255])).expect("the server reads");
    assert!(matches!(harness.event(), Event::Text(from, text) if from == key && text == "grüße"));
    assert!(
        matches!(harness.event(), Event::Binary(from, bytes) if from == key && bytes == [0, 255])
    );
}

#[test]
fn what_the_door_has_read_ahead_is_heard_first() {
    let mut harness = Harness::start(options());
    let (server, client) = harness.sockets();
    let admission = harness.broadcaster.admit("a", Compression::Off).expect("there is room");
    let whole = masked(0x81, b"early");
    let (read_ahead, rest) = whole.split_at(7);
    write(&client, rest);
    Box::new(admission).attach(Entrant::told(server, Bytes::copy_from_slice(read_ahead)));
    assert!(matches!(harness.event(), Event::Text(_, text) if text == "early"));
}

#[test]
fn nothing_is_lost_while_javascript_is_busy() {
    let mut harness = Harness::start(options());
    let (_, mut client) = harness.connect("a");
    // More than the bridge takes at once, so that the worker has to stop reading.
    let count = 20_000;
    let sender = std::thread::spawn(move || {
        for number in 0..count {
            client.write(Message::text(number.to_string())).expect("the server reads");
        }
        client.flush().expect("the server reads");
        client
    });
    for number in 0..count {
        match harness.event() {
            Event::Text(_, text) => assert_eq!(text, number.to_string()),
            _ => panic!("only texts were sent"),
        }
    }
    drop(sender.join().expect("the sender does not panic"));
    assert_eq!(harness.closed().1, 1006);
}

#[test]
fn a_ping_is_answered_in_its_place() {
    let mut harness = Harness::start(options());
    let (_, mut client) = harness.subscriber("a", "ticks");
    harness.publish("ticks", "one");
    assert_eq!(text(&mut client), "one");
    client.send(Message::Ping(Bytes::from_static(b"?"))).expect("the server reads");
    assert_eq!(client.read().expect("a pong comes"), Message::Pong(Bytes::from_static(b"?")));
}

/// Answers the next ping of a client, which its worker has left to the application.
fn answer_next_ping(harness: &mut Harness, expected: &str) {
    match harness.event() {
        Event::Ping { client, payload, answered: false } if payload == expected.as_bytes() => {
            harness.broadcaster.answer_ping(client, &payload);
        }
        _ => panic!("a ping comes that is not answered yet"),
    }
}

#[test]
fn a_ping_behind_a_message_is_answered_behind_the_answer() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    client.write(Message::text("question")).expect("it is connected");
    client.write(Message::Ping("?".into())).expect("it is connected");
    client.flush().expect("the server reads");
    assert!(matches!(harness.event(), Event::Text(from, _) if from == key));
    assert_eq!(harness.broadcaster.send(key, Payload::Text("answer"), false), Sent::Queued);
    answer_next_ping(&mut harness, "?");
    assert_eq!(text(&mut client), "answer");
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("?".into()));
}

#[test]
fn pings_that_the_application_does_not_answer_hold_their_client_back_until_it_does() {
    const PINGS: usize = 5000;
    let mut harness = Harness::start(one_worker());
    let (key, mut client) = harness.connect("a");
    let (other, mut talker) = harness.connect("b");
    client.write(Message::text("hello")).expect("it is connected");
    for number in 0..PINGS {
        client.write(Message::Ping(number.to_string().into())).expect("it is connected");
    }
    client.flush().expect("the server reads");
    assert!(matches!(harness.event(), Event::Text(from, _) if from == key));
    // The worker still hears the others.
    talker.send(Message::text("hello")).expect("the server reads");
    let (mut waiting, mut talked) = (Vec::new(), false);
    while waiting.len() < 128 || !talked {
        match harness.event() {
            Event::Ping { payload, .. } => waiting.push(payload),
            Event::Text(from, _) => talked = from == other,
            _ => panic!("they ping and talk"),
        }
    }
    assert!(waiting.len() < 128 + 64, "{} wait", waiting.len());
    waiting.iter().for_each(|payload| harness.broadcaster.answer_ping(key, payload));
    for number in waiting.len()..PINGS {
        answer_next_ping(&mut harness, &number.to_string());
    }
    for number in 0..PINGS {
        let pong = client.read().expect("a pong comes");
        assert_eq!(pong, Message::Pong(number.to_string().into()));
    }
}

#[test]
fn pings_and_pongs_go_both_ways() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    assert_eq!(harness.broadcaster.control(key, Frame::ping(b"there?")), Sent::Queued);
    assert_eq!(harness.broadcaster.control(key, Frame::pong(b"here")), Sent::Queued);
    assert_eq!(client.read().expect("a ping comes"), Message::Ping("there?".into()));
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("here".into()));
    assert!(matches!(harness.event(), Event::Pong(from, data) if from == key && data == b"there?"));
    client.send(Message::Ping("you?".into())).expect("it is connected");
    assert!(
        matches!(harness.event(), Event::Ping { client, payload, .. } if client == key && payload == b"you?")
    );
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("you?".into()));
    let totals = harness.totals();
    assert_eq!((totals.deliveries_meant, totals.messages_received), (0, 0));
    assert_eq!(harness.broadcaster.buffered(key), 0);
}

#[test]
fn what_waited_is_told_once_it_is_taken() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    let bytes = vec![0; 100_000];
    let mut sent = 0;
    // Until the kernel takes no more, and then until no more may wait.
    while harness.broadcaster.send(key, Payload::Binary(&bytes), false) != Sent::Dropped {
        sent += 1;
    }
    assert!(harness.broadcaster.buffered(key) > 0);
    for _ in 0..sent {
        client.read().expect("a message comes");
    }
    assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
    assert_eq!(harness.broadcaster.buffered(key), 0);
    assert_eq!(harness.broadcaster.send(key, Payload::Binary(&bytes), false), Sent::Queued);
    client.read().expect("a message comes");
    assert!(harness.broadcaster.next_event().is_none(), "nobody was told to wait");
}

#[test]
fn what_waited_is_told_though_nobody_knew_that_it_would() {
    let mut limits = options();
    limits.backpressure_limit_bytes = 64 << 20;
    let mut harness = Harness::start(limits);
    let (server, client) = harness.sockets();
    SockRef::from(&server).set_send_buffer_size(1 << 16).expect("a size may be asked for");
    let (key, mut client) = harness.attach("a", Compression::Off, server, client);
    // More than the kernel keeps for this socket, in one: no send could be told that it is full.
    let bytes = vec![0; 4_000_000];
    assert_eq!(harness.broadcaster.send(key, Payload::Binary(&bytes), false), Sent::Queued);
    harness.wait_for(|totals| totals.slow_clients == 1);
    client.read().expect("a message comes");
    assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
}

#[test]
fn a_client_may_be_closed_for_what_waits_for_it() {
    let mut limits = options();
    limits.close_on_backpressure_limit = true;
    let mut harness = Harness::start(limits);
    let (key, _client) = harness.connect("a");
    let bytes = vec![0; 100_000];
    while harness.broadcaster.send(key, Payload::Binary(&bytes), false) != Sent::Dropped {}
    loop {
        match harness.event() {
            Event::Drained(_) => {}
            Event::Closed { client, code, .. } => break assert_eq!((client, code), (key, 1006)),
            _ => panic!("nothing else happens"),
        }
    }
}

#[test]
fn nothing_is_read_from_a_client_that_is_paused() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    harness.broadcaster.pause(key, true);
    // Answered by the worker after the pause.
    harness.ask(Question::Client(key));
    client.send(Message::text("held back")).expect("it is connected");
    assert_eq!(harness.broadcaster.send(key, Payload::Text("still sent"), false), Sent::Queued);
    assert_eq!(text(&mut client), "still sent");
    harness.ask(Question::Client(key));
    assert!(harness.broadcaster.next_event().is_none());
    harness.broadcaster.pause(key, false);
    assert!(
        matches!(harness.event(), Event::Text(from, text) if from == key && text == "held back")
    );
    harness.broadcaster.pause(key, true);
    harness.broadcaster.close(key, 1000, String::new());
    assert_eq!(harness.closed(), (key, 1000, String::new()));
    drop(client);
    harness.wait_for(|totals| totals.clients == 0);
}

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
    harness.broadcaster.send(key, Payload::Text("two"), false);
    harness.broadcaster.close(key, 4000, "done".to_owned());
    harness.publish("ticks", "three");
    let expected = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(texts_until_close(&mut client), (expected, 4000, "done".to_owned()));
    assert_eq!(harness.closed(), (key, 4000, "done".to_owned()));
}

#[test]
fn a_terminated_client_hears_no_close_frame() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    harness.broadcaster.terminate(key);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(client.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
fn whoever_breaks_the_protocol_is_closed_with_the_code_for_it() {
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
    assert_eq!(harness.broadcaster.send(key, Payload::Text("answer"), false), Sent::Queued);
    assert_eq!(harness.closed().1, 1002);
    assert_eq!(texts_until_close(&mut client).0, ["answer"]);
}

#[test]
fn what_nobody_handles_is_counted_and_answered_and_javascript_is_not_told() {
    let mut harness = Harness::start(one_worker());
    let (key, mut client) = harness.connect("a");
    let all = [Discards::MESSAGES, Discards::PINGS, Discards::PONGS];
    for (bit, kind) in all.into_iter().enumerate() {
        assert_eq!(Discards::from_bits(1 << bit), kind);
    }
    harness.broadcaster.discard(key, Discards::from_bits(0b111));
    let frames =
        [masked(0x81, b"text"), masked(0x82, b"bytes"), masked(0x8A, b""), masked(0x89, b"?")];
    write(client.get_ref(), &frames.concat());
    assert_eq!(client.read().expect("a pong"), Message::Pong(Bytes::from_static(b"?")));
    harness.wait_for(|totals| totals.messages_received == 2);
    harness.broadcaster.discard(key, Discards::default());
    write(client.get_ref(), &masked(0x81, b"heard"));
    assert!(matches!(harness.event(), Event::Text(from, text) if from == key && text == "heard"));
}

#[test]
fn what_nobody_handles_must_still_follow_the_protocol() {
    for (code, bytes) in [(1007, masked(0x81, b"\xff")), (1002, masked(0xF1, b"a"))] {
        let mut harness = Harness::start(options());
        let (key, client) = harness.connect("a");
        harness.broadcaster.discard(key, Discards::MESSAGES);
        write(client.get_ref(), &bytes);
        let (closed, told, _) = harness.closed();
        assert_eq!((closed, told), (key, code));
    }
}

/// Only for what a client has said before is there an answer to wait for.
fn close_behind_a_message(harness: &mut Harness, socket: &TcpStream) {
    write(socket, &[masked(0x81, b"hi"), masked(0x88, &4001u16.to_be_bytes())].concat());
    assert!(matches!(harness.event(), Event::Text(..)));
    assert!(matches!(harness.event(), Event::Ending(..)));
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
    assert_eq!(harness.broadcaster.send(key, Payload::Text("answer"), false), Sent::Queued);
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
    harness.broadcaster.close(key, 4002, "first".to_owned());
    harness.broadcaster.finish(key);
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
        harness.broadcaster.send(key, Payload::Text("too late"), false);
        if let Some(Event::Closed { code, .. }) = harness.broadcaster.next_event() {
            break code;
        }
    };
    assert_eq!(told, 4001);
    assert_eq!(harness.wait_for(|totals| totals.closed() == 1).closed_by_client, 1);
}

#[test]
fn whoever_breaks_the_protocol_may_finish_and_sees_why_it_is_closed() {
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
    let admission = harness.broadcaster.admit("a", Compression::Off).expect("there is room");
    let key = admission.key();
    assert_eq!(harness.broadcaster.subscribe(key, "ticks"), Ok(true));
    drop(admission);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(harness.broadcaster.subscriber_count("ticks"), 0);
}

#[test]
fn a_client_whose_socket_stays_at_the_door_for_too_long_is_closed() {
    let mut harness = Harness::start(options());
    let admission = harness.broadcaster.admit("a", Compression::Off).expect("there is room");
    let key = admission.key();
    assert_eq!(harness.broadcaster.subscribe(key, "ticks"), Ok(true));
    harness.publish("ticks", "kept for it");
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    assert_eq!(harness.wait_for(|totals| totals.clients == 0).dropped_closed, 1);
    // Its socket comes after all.
    let (server, mut client) = harness.sockets();
    Box::new(admission).attach(Entrant::told(server, Bytes::new()));
    assert_eq!(client.read(&mut [0; 16]).expect("an orderly end"), 0);
}

#[test]
fn a_full_shard_admits_nobody_until_someone_leaves() {
    let mut limits = options();
    limits.max_clients = 1;
    limits.placement.shards = std::num::NonZeroU32::MIN;
    let mut harness = Harness::start(limits);
    let (_, client) = harness.connect("a");
    assert!(harness.broadcaster.admit("b", Compression::Off).is_err());
    drop(client);
    harness.closed();
    assert!(harness.broadcaster.admit("b", Compression::Off).is_ok());
}

#[test]
fn a_silent_client_is_pinged_and_then_given_up() {
    let mut limits = options();
    limits.client.idle_timeout = Some(Duration::from_secs(2));
    let mut harness = Harness::start(limits);
    let (dead, dead_socket) = harness.connect("dead");
    let (_, mut alive) = harness.connect("alive");
    for _ in 0..2 {
        // Reading answers the ping.
        assert!(matches!(alive.read().expect("a ping comes"), Message::Ping(_)));
        alive.flush().expect("the server reads");
    }
    assert_eq!(harness.closed(), (dead, 1006, "WebSocket timed out from inactivity".to_owned()));
    let totals = harness.wait_for(|totals| totals.clients == 1);
    assert_eq!(totals.closed_idle, 1);
    drop(dead_socket);
}

#[test]
fn a_client_that_nobody_has_time_to_read_from_is_not_silent() {
    let mut limits = options();
    limits.placement.shards = std::num::NonZeroU32::MIN;
    limits.placement.workers_per_shard = std::num::NonZeroU32::MIN;
    limits.client.idle_timeout = Some(Duration::from_secs(1));
    let mut harness = Harness::start(limits);
    let (_, talker) = harness.connect("talks");
    // More than the bridge takes, while nobody drains it.
    write(talker.get_ref(), &masked(0x81, b"hello").repeat(20_000));
    harness.wait_for(|totals| totals.messages_received >= 1024);
    // Heard at least as late as the other.
    let (silent, _socket) = harness.connect("is silent");
    let totals = harness.wait_for(|totals| totals.closed_idle > 0 && totals.clients < 2);
    assert_eq!((totals.closed_idle, totals.clients), (1, 1));
    let mut heard = 0;
    while heard < 20_000 {
        match harness.event() {
            Event::Text(..) => heard += 1,
            Event::Closed { client, .. } => assert_eq!(client, silent),
            _ => panic!("nothing else happens"),
        }
    }
}

#[test]
fn departures_are_told_and_counted_by_their_cause() {
    let mut harness = Harness::start(options());
    let (closed, _socket) = harness.connect("closed by the application");
    harness.broadcaster.close(closed, 1000, String::new());
    assert_eq!(harness.departure().1.cause, Cause::App);
    let (terminated, _socket) = harness.connect("terminated");
    harness.broadcaster.terminate(terminated);
    assert_eq!(harness.departure().1.cause, Cause::App);
    let (_, mut leaver) = harness.connect("closes by itself");
    leaver.close(None).expect("it is connected");
    assert_eq!(harness.departure().1.cause, Cause::Client);
    let (_, socket) = harness.connect("breaks");
    drop(socket);
    assert_eq!(harness.departure().1.cause, Cause::Broken);
    let (_, villain) = harness.connect("breaks the protocol");
    write(villain.get_ref(), &[0x81, 1, b'a']);
    assert_eq!(harness.departure().1.cause, Cause::Violation);

    // Each is shown by its own worker, in its own time.
    let totals = harness.wait_for(|totals| totals.closed() == 5);
    assert_eq!(totals.closed_by_app, 2);
    assert_eq!(totals.closed_by_client, 1);
    assert_eq!(totals.closed_broken, 1);
    assert_eq!(totals.closed_violation, 1);
}
