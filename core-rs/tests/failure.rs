//! A worker that panics.

mod harness;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shardcast_core::broadcaster::reports::Query;
use shardcast_core::event_queue::Event;
use shardcast_core::options::Options;
use shardcast_core::worker::departure::{Cause, Departure};
use tungstenite::Message;

use harness::{Harness, one_worker, text};

/// The wake callback is the one thing in a worker's thread that is not its own. This one panics at
/// the first event once its trap is set.
fn with_a_trap(options: Options) -> (Harness, Arc<AtomicBool>) {
    let trap = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&trap);
    let harness = Harness::start_with(options, move || {
        assert!(!set.swap(false, Ordering::Relaxed), "the trap was set");
    });
    (harness, trap)
}

#[test]
fn the_clients_of_a_worker_that_fails_are_closed_and_told() {
    let (mut harness, trap) = with_a_trap(one_worker());
    let (first, mut talker) = harness.subscriber("a", "ticks");
    let (second, listener) = harness.subscriber("b", "ticks");
    harness.publish("ticks", "one");
    assert_eq!(text(&mut talker), "one");
    harness.wait_for(|totals| totals.deliveries == 2);

    trap.store(true, Ordering::Relaxed);
    talker.send(Message::text("hello")).expect("the server reads");
    assert!(matches!(harness.event(), Event::Text(from, _) if from == first));
    match harness.event() {
        Event::WorkerFailed { worker, reason } => {
            assert_eq!((worker, reason.as_str()), (0, "the trap was set"));
        }
        _ => panic!("the failure is told before its consequences"),
    }
    assert_eq!(harness.closed(), (first, 1006, String::new()));
    let lost = Departure { cause: Cause::Failed, waiting: None };
    assert_eq!(harness.departure(), (second, lost));
    assert_eq!(talker.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
    assert_eq!(listener.get_ref().read(&mut [0; 5]).expect("what came before"), 5);
    assert_eq!(listener.get_ref().read(&mut [0; 16]).expect("an orderly end"), 0);
    let totals = harness.wait_for(|totals| totals.failures == 1);
    assert_eq!((totals.clients, totals.closed_failed), (0, 2));
    assert_eq!(harness.broadcaster.sequencer.subscriber_count("ticks"), 0);
}

#[test]
fn a_worker_that_has_failed_serves_the_clients_that_come_then() {
    let (mut harness, trap) = with_a_trap(one_worker());
    let (_, mut talker) = harness.subscriber("a", "ticks");
    trap.store(true, Ordering::Relaxed);
    talker.send(Message::text("hello")).expect("the server reads");
    while !matches!(harness.event(), Event::Closed { .. }) {}

    let (_, mut next) = harness.subscriber("b", "ticks");
    harness.publish("ticks", "two");
    assert_eq!(text(&mut next), "two");
    let reconciliation = harness.report(Query::Reconciliation).reconciliation;
    assert_eq!(reconciliation.clients, reconciliation.workers);
    assert_eq!((reconciliation.workers.expected, reconciliation.workers.delivered), (1, 1));
}

#[test]
fn what_waited_for_the_clients_of_a_worker_that_fails_is_counted_as_dropped() {
    let (mut harness, trap) = with_a_trap(one_worker());
    let (_, mut talker) = harness.connect("a");
    let (_, reader) = harness.subscriber("b", "ticks");
    let message = "x".repeat(100_000);
    // Until the kernel takes no more.
    while harness.totals().slow_clients == 0 {
        harness.publish("ticks", &message);
        // Answered by the worker after the message.
        harness.report(Query::Reconciliation);
    }
    assert!(harness.broadcaster.may_rest(), "the next event rings");
    trap.store(true, Ordering::Relaxed);
    talker.send(Message::text("hello")).expect("the server reads");
    harness.wait_for(|totals| totals.failures == 1);
    while !matches!(harness.event(), Event::WorkerFailed { .. }) {}
    harness.closed();
    harness.closed();
    let reconciliation = harness.report(Query::Reconciliation).reconciliation;
    assert_eq!(reconciliation.clients, reconciliation.workers);
    assert!(reconciliation.workers.dropped.closed > 0);
    assert_eq!(reconciliation.workers.pending, 0);
    assert_eq!(harness.totals().slow_clients, 0);
    drop(reader);
}
