//! From the clients' sockets to JavaScript.

mod harness;

use std::time::Duration;

use bytes::Bytes;
use shardcast_core::broadcaster::Sent;
use shardcast_core::broadcaster::reports::Query;
use shardcast_core::door::{Handoff, Reservation};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::form::Form;
use shardcast_core::frame::{Frame, Payload};
use shardcast_core::ids::ClientKey;
use shardcast_core::worker::departure::Cause;
use socket2::SockRef;
use tungstenite::Message;

use harness::{Harness, TestClient, masked, one_worker, options, text, write};

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
    let admission = harness.broadcaster.sequencer.admit("a", Form::Raw).expect("there is room");
    let whole = masked(0x81, b"early");
    let (read_ahead, rest) = whole.split_at(7);
    write(&client, rest);
    Box::new(admission).attach(Handoff::answered(server, Bytes::copy_from_slice(read_ahead)));
    assert!(matches!(harness.event(), Event::Text(_, text) if text == "early"));
}

#[test]
fn nothing_is_lost_while_javascript_is_busy() {
    let mut harness = Harness::start(options());
    let (_, mut client) = harness.connect("a");
    // More than the event queue takes at once, so that the worker has to stop reading.
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
            harness.broadcaster.sequencer.answer_ping(client, &payload);
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
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("answer"), false),
        Sent::Queued
    );
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
    waiting.iter().for_each(|payload| harness.broadcaster.sequencer.answer_ping(key, payload));
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
    assert_eq!(harness.broadcaster.sequencer.control(key, Frame::ping(b"there?")), Sent::Queued);
    assert_eq!(harness.broadcaster.sequencer.control(key, Frame::pong(b"here")), Sent::Queued);
    assert_eq!(client.read().expect("a ping comes"), Message::Ping("there?".into()));
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("here".into()));
    assert!(matches!(harness.event(), Event::Pong(from, data) if from == key && data == b"there?"));
    client.send(Message::Ping("you?".into())).expect("it is connected");
    assert!(
        matches!(harness.event(), Event::Ping { client, payload, .. } if client == key && payload == b"you?")
    );
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("you?".into()));
    let totals = harness.totals();
    assert_eq!((totals.deliveries_expected, totals.messages_received), (0, 0));
    assert_eq!(harness.broadcaster.sequencer.buffered(key), 0);
}

#[test]
fn what_waited_is_told_once_it_is_taken() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.connect("a");
    let bytes = vec![0; 100_000];
    let mut sent = 0;
    // Until the kernel takes no more, and then until no more may wait.
    while harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false) != Sent::Dropped {
        sent += 1;
    }
    assert!(harness.broadcaster.sequencer.buffered(key) > 0);
    for _ in 0..sent {
        client.read().expect("a message comes");
    }
    // The worker counts what it has written after the client has it.
    harness.wait_for(|totals| totals.deliveries == sent);
    // The kernel may have taken all of it in between, so there may be more than one.
    assert!(drains_before_message(&mut harness, key, &mut client) > 0);
    assert_eq!(harness.broadcaster.sequencer.buffered(key), 0);
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false),
        Sent::Queued
    );
    client.read().expect("a message comes");
    assert_eq!(
        drains_before_message(&mut harness, key, &mut client),
        0,
        "no send met a full socket"
    );
}

/// How many drains JavaScript receives before the message that the client sends now.
fn drains_before_message(harness: &mut Harness, key: ClientKey, client: &mut TestClient) -> usize {
    client.send(Message::text("heard?")).expect("the server reads");
    let mut drains = 0;
    loop {
        match harness.event() {
            Event::Drained(drained) if drained == key => drains += 1,
            Event::Text(from, text) if from == key && text == "heard?" => break drains,
            _ => panic!("nothing else happened"),
        }
    }
}

#[test]
fn a_drain_is_emitted_although_no_send_met_a_full_socket() {
    let mut limits = options();
    limits.backpressure_limit_bytes = 64 << 20;
    let mut harness = Harness::start(limits);
    let (server, client) = harness.sockets();
    SockRef::from(&server).set_send_buffer_size(1 << 16).expect("a size may be asked for");
    let (key, mut client) = harness.attach("a", Form::Raw, server, client);
    // More than the kernel keeps for this socket, in one: no send could be told that it is full.
    let bytes = vec![0; 4_000_000];
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false),
        Sent::Queued
    );
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
    while harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false) != Sent::Dropped {
    }
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
    harness.broadcaster.sequencer.pause(key, true);
    // Answered by the worker after the pause.
    harness.report(Query::Client(key));
    client.send(Message::text("held back")).expect("it is connected");
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("still sent"), false),
        Sent::Queued
    );
    assert_eq!(text(&mut client), "still sent");
    harness.report(Query::Client(key));
    assert!(harness.broadcaster.next_event().is_none());
    harness.broadcaster.sequencer.pause(key, false);
    assert!(
        matches!(harness.event(), Event::Text(from, text) if from == key && text == "held back")
    );
    harness.broadcaster.sequencer.pause(key, true);
    harness.broadcaster.sequencer.close(key, 1000, String::new());
    assert_eq!(harness.closed(), (key, 1000, String::new()));
    drop(client);
    harness.wait_for(|totals| totals.clients == 0);
}

#[test]
fn a_full_shard_admits_no_client_until_one_leaves() {
    let mut limits = options();
    limits.max_clients = 1;
    limits.placement.shards = std::num::NonZeroU32::MIN;
    let mut harness = Harness::start(limits);
    let (_, client) = harness.connect("a");
    assert!(harness.broadcaster.sequencer.admit("b", Form::Raw).is_err());
    drop(client);
    harness.closed();
    assert!(harness.broadcaster.sequencer.admit("b", Form::Raw).is_ok());
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
fn a_client_that_a_busy_worker_does_not_read_from_is_not_silent() {
    let mut limits = options();
    limits.placement.shards = std::num::NonZeroU32::MIN;
    limits.placement.workers_per_shard = std::num::NonZeroU32::MIN;
    limits.client.idle_timeout = Some(Duration::from_secs(1));
    let mut harness = Harness::start(limits);
    let (_, talker) = harness.connect("talks");
    // More than the event queue takes, while JavaScript does not drain it.
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
    harness.broadcaster.sequencer.close(closed, 1000, String::new());
    assert_eq!(harness.departure().1.cause, Cause::App);
    let (terminated, _socket) = harness.connect("terminated");
    harness.broadcaster.sequencer.terminate(terminated);
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
