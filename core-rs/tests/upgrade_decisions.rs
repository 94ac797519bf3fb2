//! Upgrades between the door and the sequencer, which passes the decisions on.

#[path = "harness/door.rs"]
mod door;
mod harness;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use shardcast_core::broadcaster::{Broadcaster, NotAccepted};
use shardcast_core::door::{DoorConfig, Headers, UpgradeId, UpgradeRequest};
use shardcast_core::event_queue::Event;

use door::local_door;
use harness::TIMEOUT;

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const MAX_PENDING: usize = 8;

/// A server, and the port of its door.
fn open() -> (Broadcaster, u16) {
    let mut broadcaster = Broadcaster::start(harness::one_worker(), || {}).expect("threads");
    let door = DoorConfig { max_pending_upgrades: MAX_PENDING, ..local_door(TIMEOUT) };
    let port = broadcaster.listen(door).expect("a free port").port();
    (broadcaster, port)
}

fn client(port: u16) -> TcpStream {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    client.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    client.write_all(UPGRADE.as_bytes()).expect("the door reads");
    client
}

fn next_event(broadcaster: &mut Broadcaster) -> Event {
    let began = Instant::now();
    loop {
        if let Some(event) = broadcaster.next_event() {
            return event;
        }
        assert!(began.elapsed() < TIMEOUT, "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn next_request(broadcaster: &mut Broadcaster) -> UpgradeRequest {
    match next_event(broadcaster) {
        Event::Upgrade(request) => request,
        _ => panic!("something else has happened"),
    }
}

/// Keeps the next upgrade.
fn keep(broadcaster: &mut Broadcaster) -> UpgradeId {
    let request = next_request(broadcaster);
    broadcaster.keep_upgrade(request.id, request.form, request.responder);
    request.id
}

fn status(client: &mut TcpStream) -> String {
    let mut line = [0; 12];
    client.read_exact(&mut line).expect("an answer");
    String::from_utf8(line.to_vec()).expect("ASCII")
}

#[test]
fn an_upgrade_is_undecided_until_it_is_decided() {
    let (mut broadcaster, port) = open();
    let (mut first, mut second) = (client(port), client(port));
    let (accepted, refused) = (keep(&mut broadcaster), keep(&mut broadcaster));
    assert_eq!(broadcaster.undecided_upgrades(), 2);
    assert!(broadcaster.accept(accepted, None, Headers::new()).is_ok());
    assert!(broadcaster.refuse(refused, 403, Headers::new(), "no".into()));
    assert_eq!(broadcaster.undecided_upgrades(), 0);
    let again = broadcaster.accept(accepted, None, Headers::new());
    assert_eq!(again, Err(NotAccepted::UpgradeGone));
    let mut answers = [status(&mut first), status(&mut second)];
    answers.sort();
    assert_eq!(answers, ["HTTP/1.1 101", "HTTP/1.1 403"]);
}

#[test]
fn an_upgrade_whose_client_leaves_is_given_up() {
    let (mut broadcaster, port) = open();
    let gone = client(port);
    let id = keep(&mut broadcaster);
    drop(gone);
    let Event::UpgradeGivenUp(gone_id) = next_event(&mut broadcaster) else {
        panic!("it was given up")
    };
    assert_eq!(gone_id, id);
    assert_eq!(broadcaster.undecided_upgrades(), 0);
    let accepted = broadcaster.accept(id, None, Headers::new());
    assert_eq!(accepted, Err(NotAccepted::UpgradeGone));
    assert!(!broadcaster.refuse(id, 403, Headers::new(), "late".into()));
}

#[test]
fn an_upgrade_that_was_not_kept_is_not_given_up() {
    let (mut broadcaster, port) = open();
    let gone = client(port);
    let request = next_request(&mut broadcaster);
    drop(gone);
    let began = Instant::now();
    while request.responder.is_awaited() {
        assert!(began.elapsed() < TIMEOUT, "the door still waits");
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(request);
    let _next = client(port);
    // Behind what was given up.
    keep(&mut broadcaster);
}

#[test]
fn upgrades_that_were_given_up_leave_room_for_others() {
    let (mut broadcaster, port) = open();
    for _ in 0..3 {
        let clients: Vec<_> = (0..MAX_PENDING).map(|_| client(port)).collect();
        let ids: Vec<_> = clients.iter().map(|_| keep(&mut broadcaster)).collect();
        assert_eq!(broadcaster.undecided_upgrades(), ids.len());
        drop(clients);
        for _ in ids {
            assert!(matches!(next_event(&mut broadcaster), Event::UpgradeGivenUp(_)));
        }
        assert_eq!(broadcaster.undecided_upgrades(), 0);
    }
}

#[test]
fn an_upgrade_that_is_not_kept_gets_503() {
    let (mut broadcaster, port) = open();
    let mut client = client(port);
    drop(next_request(&mut broadcaster));
    assert_eq!(status(&mut client), "HTTP/1.1 503");
}

#[test]
fn an_accepted_client_gets_its_response_before_anything_else() {
    let (mut broadcaster, port) = open();
    let mut client = client(port);
    let id = keep(&mut broadcaster);
    let accepted = broadcaster.accept(id, None, Headers::new()).expect("there is room");
    assert_eq!(broadcaster.sequencer.subscribe(accepted.client, "ticks"), Ok(true));
    let payload = shardcast_core::frame::Payload::Text("tick");
    broadcaster.sequencer.publish("ticks", payload, Default::default());
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"tick") {
        let mut byte = [0];
        client.read_exact(&mut byte).expect("more follows");
        bytes.extend(byte);
    }
    assert!(bytes.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    assert!(bytes.ends_with(b"\r\n\r\n\x81\x04tick"));
}
