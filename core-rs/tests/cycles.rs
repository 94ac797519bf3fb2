//! Starting and stopping again and again, as a test suite does: nothing stays. The one test of its
//! process, whose descriptors and threads it counts.

#![cfg(target_os = "linux")]

#[path = "harness/door.rs"]
mod door;
mod harness;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;

use harness::{Harness, TIMEOUT, one_worker};
use shardcast_core::event_queue::Event;

const CYCLES: usize = 100;

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Descriptors and threads.
fn held() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|path| fs::read_dir(path).expect("proc").count())
}

/// A broadcaster that was stopped with a client, an upgrade that is being decided, and one that
/// was not told yet.
fn started_and_stopped() -> Harness {
    let (wake, woken) = channel();
    let mut harness = Harness::start_with(one_worker(), move || {
        let _ = wake.send(());
    });
    let config = door::local_door(TIMEOUT);
    let address = harness.broadcaster.listen(config).expect("a port is to be had");
    let _client = harness.connect("a");
    let ask = || {
        let mut client = TcpStream::connect(address).expect("the door listens");
        client.write_all(UPGRADE).expect("a new socket has room");
        client
    };
    let _decided_late = ask();
    let Event::Upgrade(request) = harness.event() else { panic!("an upgrade is told") };
    harness.broadcaster.keep_upgrade(request.id, request.form, request.responder);
    assert!(harness.broadcaster.may_rest(), "nothing else happens");
    woken.try_iter().for_each(drop);
    let _untold = ask();
    woken.recv_timeout(TIMEOUT).expect("the wake callback is called");
    harness.broadcaster.stop();
    harness
}

#[test]
fn nothing_stays_of_a_broadcaster_that_was_stopped_though_it_is_kept() {
    drop(started_and_stopped());
    let before = held();
    // JavaScript keeps each until it collects it, if ever.
    let kept: Vec<_> = (0..CYCLES).map(|_| started_and_stopped()).collect();
    let [files, threads] = held();
    // The listener of each harness is the test's own.
    assert_eq!([files - kept.len(), threads], before);
}
