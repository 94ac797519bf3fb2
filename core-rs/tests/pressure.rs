//! What waits for one client, and how a client is judged by what it takes.

mod harness;

use std::io::Read;
use std::time::Duration;

use shardcast_core::bridge::Event;
use shardcast_core::broadcaster::Sent;
use shardcast_core::client::ClientKey;
use shardcast_core::departure::{Cause, Departure};
use shardcast_core::frame::{Frame, Payload};
use tungstenite::{Error, Message};

use harness::{Harness, TestClient, one_worker, options, text};

const MIB: usize = 1 << 20;
const MORE_THAN_THE_KERNEL_TAKES: usize = 15 * MIB;

/// A client whose socket is full, and the one message that it has still to take.
fn full(harness: &mut Harness, id: &str) -> (ClientKey, TestClient) {
    let (key, client) = harness.connect(id);
    let bytes = vec![0; MORE_THAN_THE_KERNEL_TAKES];
    let before = harness.totals().slow_clients;
    assert_eq!(harness.broadcaster.send(key, Payload::Binary(&bytes), false), Sent::Queued);
    harness.wait_for(|totals| totals.slow_clients == before + 1);
    (key, client)
}

#[test]
fn a_message_may_be_larger_than_all_that_may_wait() {
    let mut harness = Harness::start(options());
    let (key, mut client) = full(&mut harness, "a");
    assert_eq!(harness.broadcaster.send(key, Payload::Text("too much"), false), Sent::Dropped);
    assert_eq!(harness.broadcaster.control(key, Frame::ping(b"too")), Sent::Dropped);
    assert_eq!(client.read().expect("it comes").len(), MORE_THAN_THE_KERNEL_TAKES);
    assert!(matches!(harness.event(), Event::Drained(drained) if drained == key));
    assert_eq!(harness.broadcaster.send(key, Payload::Text("again"), false), Sent::Queued);
    assert_eq!(text(&mut client), "again");
}

#[test]
fn what_was_sent_before_a_termination_arrives() {
    let mut harness = Harness::start(options());
    let (key, mut client) = harness.subscriber("a", "ticks");
    for _ in 0..100 {
        harness.broadcaster.send(key, Payload::Text("direct"), false);
    }
    harness.publish("ticks", "published");
    harness.broadcaster.terminate(key);
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
    harness.broadcaster.terminate(key);
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
    assert_eq!(harness.broadcaster.send(key, Payload::Text("too much"), false), Sent::Dropped);
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
        assert!(matches!(harness.event(), Event::Ping(_, heard) if heard == payload.as_bytes()));
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
    assert!(matches!(harness.event(), Event::Ping(..)));
    harness.broadcaster.close(key, 1000, String::new());
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
