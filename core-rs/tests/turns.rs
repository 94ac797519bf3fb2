//! Clients that send at once: each has its turn, however much another has sent.

mod harness;

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use shardcast_core::broadcaster::reports::Query;
use shardcast_core::event_queue::Event;
use shardcast_core::frame::compression::Deflater;
use shardcast_core::frame::form::Form;
use shardcast_core::ids::ClientKey;

use harness::{Harness, TestClient, one_worker};

/// Messages of one turn of a client.
const MOST_OF_A_TURN: usize = 64;
const EMPTY_MESSAGE: u8 = 0x82;

/// A masked frame, with a key of zeros so that the payload stands as it is.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("it is short");
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

fn write(client: &TestClient, bytes: &[u8]) {
    let mut socket: &TcpStream = client.get_ref();
    socket.write_all(bytes).expect("the system takes it");
}

/// Flooders have all sent before a quiet client sends, and the worker comes to them first. Returns
/// how many of their messages come between the quiet client's turn, for which it stands in line
/// from the report on, and its message.
fn before_a_quiet_client(flooders: usize, flood: &[u8], messages: usize) -> usize {
    let mut harness = Harness::start(one_worker());
    let connect = |harness: &mut Harness| harness.connect_with("a", Form::Deflated);
    let flooders: Vec<_> = (0..flooders).map(|_| connect(&mut harness)).collect();
    let quiet = connect(&mut harness);
    let all: Vec<ClientKey> = flooders.iter().chain([&quiet]).map(|(client, _)| *client).collect();
    all.iter().for_each(|&client| harness.broadcaster.sequencer.pause(client, true));
    flooders.iter().for_each(|(_, flooder)| write(flooder, flood));
    write(&quiet.1, &masked(0x81, b"quiet"));
    all.iter().for_each(|&client| harness.broadcaster.sequencer.pause(client, false));
    // The worker may read from the first flooders before the last command has reached it.
    harness.broadcaster.request_report(Query::Client(quiet.0));
    let (mut heard, mut before, mut in_line) = (0, None, None);
    while heard < flooders.len() * messages || before.is_none() {
        match harness.event() {
            Event::Report(..) => in_line = Some(heard),
            Event::Text(client, _) if client == quiet.0 => match in_line {
                Some(in_line) => before = Some(heard - in_line),
                // It had its turn before the report was requested: that shows nothing.
                None => return before_a_quiet_client(flooders.len(), flood, messages),
            },
            Event::Binary(..) => heard += 1,
            _ => panic!("they send messages alone"),
        }
    }
    before.expect("the loop has ended")
}

#[test]
fn a_quiet_clients_message_comes_behind_one_turn_of_each_flooder() {
    let flood = masked(EMPTY_MESSAGE, b"").repeat(10_000);
    for flooders in [1, 20] {
        let before = before_a_quiet_client(flooders, &flood, 10_000);
        assert!(before <= flooders * MOST_OF_A_TURN, "{before} of {flooders} flooders");
    }
}

#[test]
fn messages_that_inflate_are_a_turn_each() {
    let deflated = Deflater::default().deflate(&[7; 60_000], Form::Deflated).expect("smaller");
    let flood = masked(0xc2, &deflated).repeat(100);
    let before = before_a_quiet_client(1, &flood, 100);
    assert!(before <= 2, "{before}");
}

#[test]
fn fragments_of_nothing_are_no_reason_to_wait() {
    let fragments = masked(0x00, b"").repeat(10_000);
    let flood = [masked(0x02, b"a"), fragments, masked(0x80, b"z")].concat();
    assert_eq!(before_a_quiet_client(1, &flood, 1), 0);
}

#[test]
fn what_a_turn_has_left_is_heard_before_the_end_of_the_stream() {
    let ends: [fn(&TestClient); 2] = [
        |client| client.get_ref().shutdown(Shutdown::Write).expect("it is connected"),
        |client| write(client, &masked(0x88, b"\x03\xe8")),
    ];
    for end in ends {
        let mut harness = Harness::start(one_worker());
        let (key, client) = harness.connect("a");
        write(&client, &masked(EMPTY_MESSAGE, b"").repeat(20_000));
        end(&client);
        for _ in 0..20_000 {
            assert!(matches!(harness.event(), Event::Binary(from, _) if from == key));
        }
        assert!(matches!(harness.event(), Event::PeerDone(from) if from == key));
    }
}

#[test]
fn a_client_that_is_paused_is_not_heard_beyond_its_turn() {
    let mut harness = Harness::start(one_worker());
    let (key, client) = harness.connect("a");
    harness.broadcaster.sequencer.pause(key, true);
    write(&client, &masked(EMPTY_MESSAGE, b"").repeat(10_000));
    harness.broadcaster.sequencer.pause(key, false);
    harness.broadcaster.sequencer.pause(key, true);
    // The worker tells of its other clients after all that it was told before.
    let (other, talker) = harness.connect("b");
    write(&talker, &masked(0x81, b"hello"));
    let mut heard = 0;
    while !matches!(harness.event(), Event::Text(from, _) if from == other) {
        heard += 1;
    }
    assert!(heard <= MOST_OF_A_TURN, "{heard}");
    harness.broadcaster.sequencer.pause(key, false);
    for _ in heard..10_000 {
        assert!(matches!(harness.event(), Event::Binary(from, _) if from == key));
    }
}
