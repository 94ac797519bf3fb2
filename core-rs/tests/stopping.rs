//! The end of everything at once: a stop, whatever is under way.

mod harness;

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use shardcast_core::broadcaster::Sent;
use shardcast_core::frame::Payload;

use harness::{Harness, TIMEOUT, options, texts_until_close};

#[test]
fn stopping_in_the_middle_of_everything_ends_all_threads() {
    let mut harness = Harness::start(options());
    let clients: Vec<_> =
        (0..50).map(|n| harness.subscriber(&format!("client-{n}"), "ticks").1).collect();
    for _ in 0..1000 {
        harness.publish("ticks", "x");
    }
    harness.broadcaster.stop();
    for client in clients {
        let mut rest = Vec::new();
        let _ = client.get_ref().read_to_end(&mut rest);
    }
}

#[test]
fn stopping_does_not_wait_for_a_full_queue() {
    const MESSAGES: u64 = 20_000;
    let options = options();
    let workers = options.placement.workers() as u64;
    let mut harness = Harness::start(options);
    let clients: Vec<_> =
        (0..50).map(|n| harness.subscriber(&format!("client-{n}"), "ticks")).collect();
    // A log for each, so that every message is a lot of work.
    for (key, _) in &clients {
        assert_eq!(harness.broadcaster.sequencer.subscribe(*key, &format!("own-{key}")), Ok(true));
    }
    let message = "x".repeat(1000);
    for _ in 0..MESSAGES {
        harness.publish("ticks", &message);
    }
    harness.broadcaster.stop();
    let totals = harness.totals();
    assert!(totals.messages < MESSAGES * workers, "all messages were taken from the queues first");
    assert_eq!(totals.deliveries_expected, MESSAGES * clients.len() as u64);
    assert_eq!(totals.deliveries + totals.dropped_closed, totals.deliveries_expected);
}

#[test]
fn what_is_sent_to_one_client_is_counted_when_it_is_stopped_too() {
    let mut harness = Harness::start(options());
    let (key, client) = harness.connect("a");
    for _ in 0..1000 {
        let text = "x".repeat(1000);
        assert_ne!(
            harness.broadcaster.sequencer.send(key, Payload::Text(&text), false),
            Sent::Dropped
        );
    }
    harness.broadcaster.stop();
    drop(client);
    let totals = harness.totals();
    assert_eq!(totals.deliveries_expected, 1000);
    assert_eq!(totals.deliveries + totals.dropped_closed, 1000);
}

#[test]
fn clients_are_outlasted_without_anybody_who_drains() {
    let mut harness = Harness::start(options());
    let (_, mut client) = harness.subscriber("a", "ticks");
    let (_, mut leaving) = harness.connect("b");
    leaving.close(None).expect("a new socket has room");
    harness.publish("ticks", "last words");
    harness.broadcaster.sequencer.close_all(1001, "bye", Duration::ZERO);
    let heard = thread::spawn(move || texts_until_close(&mut client));
    harness.broadcaster.outlast_clients(Instant::now() + TIMEOUT);
    assert_eq!(harness.broadcaster.sequencer.client_count(), 0);
    let (texts, code, reason) = heard.join().expect("it hears the end");
    assert_eq!((texts, code, reason), (vec!["last words".to_owned()], 1001, "bye".to_owned()));
}

#[test]
fn a_client_that_does_not_answer_is_outlasted_until_the_deadline() {
    let mut harness = Harness::start(options());
    let (_, _client) = harness.connect("a");
    harness.broadcaster.sequencer.close_all(1001, "bye", Duration::ZERO);
    harness.broadcaster.outlast_clients(Instant::now());
    assert_eq!(harness.broadcaster.sequencer.client_count(), 1);
}
