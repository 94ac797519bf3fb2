//! Clients that attack when they are not read from: while they leave, or while JavaScript is
//! behind.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shardcast_core::broadcaster::Sent;
use shardcast_core::broadcaster::reports::Query;
use shardcast_core::door::{Handoff, Reservation};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::compression::Deflater;
use shardcast_core::frame::form::Form;
use shardcast_core::options::Options;
use tungstenite::Message;

use crate::alone::alone;
use crate::connecting::reset;
use crate::harness::{self, Harness, TIMEOUT, TestClient, text};
use crate::memory::most_during;

const MIB: usize = 1 << 20;
const MORE_THAN_THE_KERNEL_TAKES: usize = 32 * MIB;

fn one_worker() -> Options {
    let backpressure_limit_bytes = 2 * MORE_THAN_THE_KERNEL_TAKES;
    Options { backpressure_limit_bytes, ..harness::one_worker() }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn write(client: &TestClient, bytes: &[u8]) {
    client.get_ref().write_all(bytes).expect("the server reads");
}

/// A client that is being closed, and has not taken all that comes before the close frame.
fn leaving(harness: &mut Harness) -> TestClient {
    let (key, client) = harness.connect("leaving");
    let bytes = vec![0; MORE_THAN_THE_KERNEL_TAKES];
    assert_eq!(
        harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false),
        Sent::Backpressure
    );
    harness.wait_for(|totals| totals.slow_clients == 1);
    harness.broadcaster.sequencer.close(key, 1000, String::new());
    assert_eq!(harness.closed().0, key);
    client
}

/// Returns after the worker has read what others sent before: it has answered this client
/// meanwhile.
fn let_it_read(control: &mut TestClient) {
    for _ in 0..10 {
        control.send(Message::Ping(Bytes::new())).expect("the server reads");
        assert_eq!(control.read().expect("a pong comes"), Message::Pong(Bytes::new()));
    }
}

/// What the worker hears of a client, and only then of a message, when JavaScript does not look.
fn fill_the_event_queue(harness: &mut Harness) -> TestClient {
    let (_, flooder) = harness.connect("flooder");
    write(&flooder, &masked(0x81, b"x").repeat(50_000));
    flooder
}

#[test]
fn text_that_is_wrong_twice_while_the_client_leaves() {
    let mut harness = Harness::start(one_worker());
    let (_, mut control) = harness.subscriber("control", "ticks");
    let client = leaving(&mut harness);
    write(&client, &[masked(0x01, b"\xf0\x90\x80"), masked(0x00, b"\xff")].concat());
    let_it_read(&mut control);
    write(&client, &masked(0x00, b"\x80"));
    let_it_read(&mut control);
    harness.publish("ticks", "still here");
    assert_eq!(text(&mut control), "still here");
}

#[test]
fn a_client_that_breaks_the_protocol_and_goes_is_gone_at_once() {
    let mut harness = Harness::start(one_worker());
    let began = Instant::now();
    for _ in 0..10 {
        let (key, client) = harness.connect("villain");
        write(&client, &masked(0xf1, b"?"));
        assert_eq!(harness.closed(), (key, 1002, "reserved bit set".to_owned()));
        drop(client);
        harness.wait_for(|totals| totals.clients == 0);
    }
    // Each would take 5 s to time out.
    assert!(began.elapsed() < TIMEOUT, "{:?}", began.elapsed());
}

#[test]
fn a_client_that_ends_its_side_still_gets_the_close_frame() {
    let mut harness = Harness::start(one_worker());
    let (key, mut client) = harness.connect("villain");
    write(&client, &[masked(0xf1, b"?"), vec![0; 100_000]].concat());
    client.get_ref().shutdown(Shutdown::Write).expect("it is connected");
    assert_eq!(harness.closed().0, key);
    let Message::Close(Some(frame)) = client.read().expect("a close frame comes") else {
        panic!("a close frame comes")
    };
    assert_eq!(u16::from(frame.code), 1002);
}

#[test]
fn a_paused_client_that_is_reset_is_closed() {
    let mut harness = Harness::start(one_worker());
    let (key, client) = harness.connect("paused");
    harness.broadcaster.sequencer.pause(key, true);
    harness.report(Query::Client(key));
    write(&client, b"unread");
    reset(client.get_ref());
    drop(client);
    assert_eq!(harness.closed(), (key, 1006, String::new()));
}

#[test]
fn a_client_that_is_not_read_from_is_not_silent() {
    let mut limits = one_worker();
    limits.client.idle_timeout = Some(Duration::from_secs(2));
    limits.client.send_pings = false;
    let mut harness = Harness::start(limits);
    let (talks, talker) = harness.connect("talks");
    let (_silent, _socket) = harness.connect("silent");
    let _flooder = fill_the_event_queue(&mut harness);
    // The event queue is full, and the worker has stopped to read.
    harness.wait_for(|totals| totals.messages_received >= 1024);
    write(&talker, &masked(0x81, b"me too"));
    let totals = harness.wait_for(|totals| totals.closed_idle > 0);
    assert_eq!(totals.closed_idle, 1, "only the silent one");
    loop {
        match harness.event() {
            Event::Text(from, _) if from == talks => break,
            Event::Closed { client, .. } => assert_ne!(client, talks),
            _ => {}
        }
    }
}

#[test]
fn bombs_that_the_door_has_read_ahead_while_javascript_is_behind() {
    alone("lying_low::bombs_that_the_door_has_read_ahead_while_javascript_is_behind", || {
        let mut limits = one_worker();
        limits.client.max_payload_bytes = MIB;
        let mut harness = Harness::start(limits);
        let zeros = vec![0; MIB];
        let bomb = Deflater::default().deflate(&zeros, Form::Deflated).expect("it is smaller");
        let length = u16::try_from(bomb.len()).expect("it is small").to_be_bytes();
        let head = [0xc2, 0xfe, length[0], length[1], 0, 0, 0, 0];
        let bombs = Bytes::from([&head, bomb.as_slice()].concat().repeat(4));
        let mut sockets = Vec::new();
        let most = most_during(|| {
            for _ in 0..20 {
                let (server, client) = harness.sockets();
                let admission = harness.broadcaster.sequencer.admit("a", Form::Deflated);
                let admission = admission.expect("there is room");
                let key = admission.key();
                Box::new(admission).attach(Handoff::answered(server, bombs.clone()));
                // Answered after the worker has taken the socket.
                harness.broadcaster.request_report(Query::Client(key));
                sockets.push(client);
            }
            harness.wait_for(|totals| totals.clients == 20 && totals.messages_received >= 16);
        });
        // What the event queue takes, what one client passes it by, and what inflating takes
        // meanwhile.
        assert!(most < 32 * MIB, "{most} bytes");
        let mut bombs = 0;
        while bombs < 20 * 4 {
            if let Event::Binary(..) = harness.event() {
                bombs += 1;
            }
        }
    });
}
