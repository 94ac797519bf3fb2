//! Messages that their senders do not finish.

mod harness;

use std::io::Write;
use std::net::TcpStream;

use shardcast_core::event_queue::Event;
use shardcast_core::frame::form::Form;
use shardcast_core::options::{ClientLimits, Options, UnfinishedLimits};

use harness::{Harness, TestClient, one_worker, options, texts_until_close};

/// Room for three messages of nearly the largest size and a small one.
const BUDGET: usize = 200_000;

fn with_a_budget() -> Options {
    let unfinished = UnfinishedLimits { bytes: BUDGET, timeout: None };
    Options { client: ClientLimits { unfinished, ..options().client }, ..one_worker() }
}

fn write(client: &TestClient, bytes: &[u8]) {
    let mut socket: &TcpStream = client.get_ref();
    socket.write_all(bytes).expect("the server reads");
}

/// The head of a masked frame, with a key of zeros so that the payload stands as it is.
fn head(first: u8, length: u16) -> Vec<u8> {
    let mut head = vec![first, 0xfe];
    head.extend(length.to_be_bytes());
    head.extend([0; 4]);
    head
}

/// The start of a message of 65,000 bytes.
fn start(first: u8, bytes: usize) -> Vec<u8> {
    [head(first, 65_000), vec![b'x'; bytes]].concat()
}

#[test]
fn the_largest_unfinished_message_goes_when_all_are_too_much() {
    // A message that is to be inflated is kept as it came, and counts as such.
    for first in [0x81, 0xc1] {
        let mut harness = Harness::start(with_a_budget());
        let connect = |harness: &mut Harness| harness.connect_with("a", Form::Deflated);
        let (small, little) = connect(&mut harness);
        write(&little, &start(0x81, 1000));
        let mut large: Vec<_> = (0..4).map(|_| connect(&mut harness)).collect();
        large.iter().for_each(|(_, client)| write(client, &start(first, 60_000)));
        let (closed, code, reason) = harness.closed();
        assert_eq!((code, &*reason), (1013, "too many unfinished messages"));
        let at = large.iter().position(|(key, _)| *key == closed).expect("it is a large one");
        let (_, told, reason) = texts_until_close(&mut large[at].1);
        assert_eq!((told, &*reason), (1013, "too many unfinished messages"));
        // No other is: the others have room.
        write(&little, &[b'x'; 64_000]);
        assert!(matches!(harness.event(), Event::Text(from, text)
            if from == small && text.len() == 65_000));
        let totals = harness.wait_for(|totals| totals.closed_unfinished > 0);
        assert_eq!((totals.closed_unfinished, totals.closed_violation), (1, 0));
    }
}

/// The end of a message in fragments.
fn masked_end() -> [u8; 6] {
    [0x80, 0x80, 0, 0, 0, 0]
}

#[test]
fn what_is_finished_or_given_up_makes_room() {
    let mut harness = Harness::start(with_a_budget());
    let mut stay = Vec::new();
    for number in 0..12 {
        let (key, client) = harness.connect("a");
        write(&client, &start(0x02, 60_000));
        match number % 3 {
            0 => {
                write(&client, &[[0; 5_000].as_slice(), &masked_end()].concat());
                assert!(matches!(harness.event(), Event::Binary(from, _) if from == key));
                stay.push(client);
            }
            1 => {
                drop(client);
                assert_eq!(harness.closed().0, key);
            }
            _ => {
                // No message may begin within another.
                write(&client, &[[0; 5_000].as_slice(), &start(0x82, 0)].concat());
                assert_eq!((harness.closed().0, harness.totals().closed_unfinished), (key, 0));
            }
        }
    }
    assert_eq!(harness.totals().closed_unfinished, 0);
}

#[test]
fn a_message_of_the_largest_size_has_room_whatever_the_budget_is() {
    let unfinished = UnfinishedLimits { bytes: 1, timeout: None };
    let client = ClientLimits { unfinished, ..options().client };
    let mut harness = Harness::start(Options { client, ..one_worker() });
    let (_, client) = harness.connect("a");
    write(&client, &start(0x82, 60_000));
    write(&client, &[0; 5_000]);
    assert!(matches!(harness.event(), Event::Binary(_, bytes) if bytes.len() == 65_000));
}
