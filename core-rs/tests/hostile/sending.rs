//! An application that sends on though its messages are dropped.

use std::sync::{Arc, Mutex};

use shardcast_core::broadcaster::Sent;
use shardcast_core::frame::Payload;
use tungstenite::Message;

use crate::alone::alone;
use crate::harness::{Harness, options};
use crate::memory::most_during;

const MIB: usize = 1 << 20;

#[test]
fn sends_that_are_dropped_in_a_loop() {
    alone("sending::sends_that_are_dropped_in_a_loop", || {
        let gate = Arc::new(Mutex::new(()));
        let shut = gate.lock().expect("no thread panics");
        let worker = Arc::clone(&gate);
        // A worker that has an event to emit gets no further.
        let mut harness =
            Harness::start_with(options(), move || drop(worker.lock().expect("no thread panics")));
        let (key, mut client) = harness.connect("a");
        client.send(Message::text("hello")).expect("the server reads");
        harness.event();
        let bytes = [0; 10_000];
        while harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false)
            != Sent::Dropped
        {}
        let most = most_during(|| {
            for _ in 0..100_000 {
                assert_eq!(
                    harness.broadcaster.sequencer.send(key, Payload::Binary(&bytes), false),
                    Sent::Dropped
                );
            }
        });
        drop(shut);
        assert!(most < MIB, "{most} bytes");
    });
}
