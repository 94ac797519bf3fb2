//! What waits for one client, and how a client is judged by what it takes.

mod harness;

use std::io::Read;
use std::time::Duration;

use shardcast_core::broadcaster::{Publication, Published, Sent};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::{Frame, Payload};
use shardcast_core::ids::ClientKey;
use shardcast_core::options::Options;
use shardcast_core::queue::QueueLimits;
use shardcast_core::worker::departure::{Cause, Departure};
use tungstenite::{Error, Message};

use harness::{Harness, TestClient, one_worker, options, text};

const MIB: usize = 1 << 20;
const MORE_THAN_THE_KERNEL_TAKES: usize = 15 * MIB;

/// A client whose socket is full, and the one message that it has still to take.
fn full(harness: &mut Harness, id: &str) -> (ClientKey, TestClient) {
    let (key, client) = harness.connect(id);
    let bytes = vec![0; MORE_THAN_THE_KERNEL_TAKES];
    let before = harness.totals().slow_clients;
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false),
        Sent::Backpressure
    );
    harness.wait_for(|totals| totals.slow_clients == before + 1);
    (key, client)
}

#[test]
fn a_message_may_be_larger_than_all_that_may_wait() {
    let mut harness = Harness::start(options());
    let (key, mut client) = full(&mut harness, "a");
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("too much"), false),
        Sent::Dropped
    );
    assert_eq!(harness.broadcaster.sequencer.control(key, Frame::ping(b"too")), Sent::Dropped);
    assert_eq!(client.read().expect("it comes").len(), MORE_THAN_THE_KERNEL_TAKES);
    assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("again"), false),
        Sent::Queued
    );
    assert_eq!(text(&mut client), "again");
}

#[test]
fn a_full_queue_is_told_to_a_subscriber_once_it_has_been_taken() {
    let mut harness = Harness::start(short_queue());
    let (key, mut client) = harness.subscriber("a", "ticks");
    let published = publish_until(&mut harness, |published| published.dropped > 0);
    assert!(matches!(harness.event(), Event::Drained(told) if told == key));
    publish_until(&mut harness, |published| published.saturated > 0);
    assert!(matches!(harness.event(), Event::Drained(told) if told == key), "and again");
    for _ in 0..published {
        assert_eq!(text(&mut client), "tick");
    }
}

#[test]
fn a_full_queue_is_told_to_another_when_its_subscriber_has_left() {
    let mut harness = Harness::start(short_queue());
    let (leaving, _client) = harness.subscriber("a", "ticks");
    let (staying, _socket) = harness.connect("b");
    publish_until(&mut harness, |published| published.dropped > 0);
    harness.broadcaster.sequencer.close(leaving, 1000, String::new());
    loop {
        match harness.event() {
            Event::Drained(told) => break assert_eq!(told, staying),
            Event::Closed { client, .. } => assert_eq!(client, leaving),
            _ => panic!("nothing else happens"),
        }
    }
}

/// One worker whose queue is soon full.
fn short_queue() -> Options {
    Options { queue: QueueLimits { messages: 8, bytes: 1 << 20 }, ..one_worker() }
}

/// Returns how many went out.
fn publish_until(harness: &mut Harness, is_enough: impl Fn(&Published) -> bool) -> u32 {
    let mut shards = 0;
    loop {
        let (tick, how) = (Payload::Text("tick"), Publication::default());
        let published = harness.broadcaster.sequencer.publish("ticks", tick, how);
        shards += published.shards;
        if is_enough(&published) {
            return shards;
        }
    }
}

#[test]
fn who_stops_at_an_amount_is_told_when_to_go_on() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    let reader = std::thread::spawn(move || read_numbers(client, MANY));
    for number in 0..MANY {
        harness.broadcaster.sequencer.send(key, Payload::Binary(&numbered(number, 64)), false);
        if harness.broadcaster.sequencer.buffered(key) > 0 {
            assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
            assert_eq!(harness.broadcaster.sequencer.buffered(key), 0, "nothing was sent since");
        }
    }
    assert_eq!(reader.join().expect("it reads"), (0..MANY).collect::<Vec<_>>());
}

#[test]
fn nothing_is_refused_but_after_a_message_that_is_told_to_wait() {
    for limit in [1, 1 << 20, 16 << 20] {
        let mut harness = Harness::start(Options { backpressure_limit_bytes: limit, ..options() });
        let (key, client) = harness.connect("a");
        let (mut last, mut taken) = (Sent::Queued, Vec::new());
        for number in 0..MANY {
            let sent = harness.broadcaster.sequencer.send(
                key,
                Payload::Binary(&numbered(number, 1 << 16)),
                false,
            );
            if sent == Sent::Dropped {
                assert_ne!(last, Sent::Queued, "with a limit of {limit}");
            } else {
                taken.push(number);
            }
            last = sent;
        }
        let count = taken.len() as u32;
        assert!((1..MANY).contains(&count), "more than fits, and never nothing");
        let reader = std::thread::spawn(move || read_numbers(client, count));
        assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
        assert_eq!(reader.join().expect("it reads"), taken);
    }
}

/// Messages of 64 KiB that are more than any socket and limit here take.
const MANY: u32 = 1024;

/// A message of some length, to be known by its number.
fn numbered(number: u32, length: usize) -> Vec<u8> {
    let mut payload = vec![0; length];
    payload[..4].copy_from_slice(&number.to_le_bytes());
    payload
}

fn read_numbers(mut client: TestClient, count: u32) -> Vec<u32> {
    let numbers = (0..count).map(|_| {
        let message = client.read().expect("a message comes").into_data();
        u32::from_le_bytes(message[..4].try_into().expect("it begins with its number"))
    });
    numbers.collect()
}

#[test]
fn what_was_sent_before_a_termination_arrives() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.subscriber("a", "ticks");
    for _ in 0..100 {
        harness.broadcaster.sequencer.send(key, Payload::Text("direct"), false);
    }
    harness.publish("ticks", "published");
    harness.broadcaster.sequencer.terminate(key);
    for _ in 0..100 {
        assert_eq!(text(&mut client), "direct");
    }
    assert_eq!(text(&mut client), "published");
    assert!(matches!(client.read(), Err(Error::Protocol(_))), "no close frame");
    assert_eq!(harness.closed(), (key, 1006, String::new()));
}

#[test]
fn a_full_client_that_is_terminated_is_gone_at_once() {
    let mut harness = Harness::start(options());
    let (key, client) = full(&mut harness, "a");
    harness.broadcaster.sequencer.terminate(key);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
    let mut taken = Vec::new();
    client.get_ref().read_to_end(&mut taken).expect("an orderly end");
    assert!(taken.len() < MORE_THAN_THE_KERNEL_TAKES);
}

#[test]
fn a_client_past_a_limit_that_closes_is_told_to_be_slow() {
    let mut limits = options();
    limits.close_on_backpressure_limit = true;
    let mut harness = Harness::start(limits);
    let (key, _client) = full(&mut harness, "a");
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Text("too much"), false),
        Sent::Dropped
    );
    let (client, Departure { cause, waiting }) = harness.departure();
    assert_eq!((client, cause), (key, Cause::Slow));
    let lag = waiting.expect("its worker knows");
    assert_eq!(lag.messages, 1);
    assert!(lag.bytes > 0 && lag.bytes < MORE_THAN_THE_KERNEL_TAKES as u64);
    assert_eq!(harness.wait_for(|totals| totals.closed() == 1).closed_slow, 1);
}

#[test]
fn a_client_that_was_full_has_its_last_ping_answered() {
    let mut harness = Harness::start(options());
    let (_, mut client) = full(&mut harness, "a");
    for payload in ["first", "last"] {
        client.send(Message::Ping(payload.into())).expect("the server reads");
        let Event::Ping { payload: heard, .. } = harness.event() else { panic!("a ping comes") };
        assert_eq!(heard, payload.as_bytes());
    }
    assert!(client.read().expect("it comes").is_binary());
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("last".into()));
    client.send(Message::Ping("empty".into())).expect("the server reads");
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("empty".into()));
}

#[test]
fn a_client_that_was_full_has_its_last_ping_answered_before_the_close() {
    let mut harness = Harness::start(options());
    let (key, mut client) = full(&mut harness, "a");
    client.send(Message::Ping("there?".into())).expect("the server reads");
    assert!(matches!(harness.event(), Event::Ping { .. }));
    harness.broadcaster.sequencer.close(key, 1000, String::new());
    assert!(client.read().expect("it comes").is_binary());
    assert_eq!(client.read().expect("a pong comes"), Message::Pong("there?".into()));
    assert!(client.read().expect("a close frame comes").is_close());
}

#[test]
fn a_client_that_takes_what_it_is_sent_is_not_silent_however_slow() {
    let mut limits = one_worker();
    limits.client.idle_timeout = Some(Duration::from_secs(4));
    let mut harness = Harness::start(limits);
    let (_, taker) = full(&mut harness, "takes some, and never all");
    let (stuck, _socket) = full(&mut harness, "takes nothing");
    let mut taken = vec![0; MORE_THAN_THE_KERNEL_TAKES / 2048];
    let end = loop {
        taker.get_ref().read_exact(&mut taken).expect("it is connected");
        std::thread::sleep(Duration::from_millis(5));
        if let Some(event) = harness.broadcaster.next_event() {
            break event;
        }
    };
    let Event::Closed { client, code, reason, .. } = end else { panic!("a client closes") };
    assert_eq!((client, code), (stuck, 1006));
    assert_eq!(reason, "WebSocket timed out from inactivity");
    assert_eq!(harness.totals().closed_idle, 1);
}
