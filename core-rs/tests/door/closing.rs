//! How the door opens and closes, and what happens when the system has nothing left.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shardcast_core::door::{Door, Headers};

use crate::alone::alone;
use crate::application::SocketPath;
use crate::test_server::{Client, Outcome, SECRET, TIMEOUT, TestServer, acceptance, config};
use crate::wire::Wire;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn an_address_in_use_is_an_error_of_that_kind() {
    let server = TestServer::open();
    let mut taken = config(&SocketPath::new());
    taken.listen.port = server.door.local_addr().port();
    let error = Door::open(taken, |_| {}).err().expect("the port is taken");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.raw_os_error().is_some());
}

#[test]
fn a_door_without_a_host_hears_ipv4_and_ipv6() {
    let server = TestServer::open_with(|config| config.listen.host = None);
    let port = server.door.local_addr().port();
    let mut loopbacks = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    // Not every machine that tests run on has IPv6.
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
        loopbacks.push(Ipv6Addr::LOCALHOST.into());
    }
    for loopback in loopbacks {
        let mut client = Client::new(TcpStream::connect((loopback, port)).expect("it listens"));
        client.send(GET);
        let head = server.application.accept().head();
        let client = client.socket().local_addr().expect("a living socket");
        // A socket of IPv6 speaks of IPv4 in addresses of its own.
        let address = match loopback {
            IpAddr::V4(address) if server.door.local_addr().is_ipv6() => {
                address.to_ipv6_mapped().into()
            }
            address => address,
        };
        let peer = format!("{SECRET} {address} {}", client.port());
        assert_eq!(head.get("x-shardcast-peer"), Some(peer.as_str()));
    }
}

/// Accepted in its own time, since it sends nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_door_that_stops_accepting_ends_clients_that_have_sent_nothing() {
    let server = TestServer::open();
    let mut silent = server.client();
    let port = silent.socket().local_addr().expect("a living socket").port();
    wait_until_accepted(server.door.local_addr().port(), port);
    server.is_answering();
    server.door.stop_accepting();
    assert_eq!(silent.rest(), "");
}

/// The system lists connections of IPv4 as `<own address>:<own port> <other's> <state>`.
#[cfg(target_os = "linux")]
fn wait_until_accepted(door: u16, client: u16) {
    const ESTABLISHED: &str = "01";
    let began = Instant::now();
    let is_listed = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let mut next = || fields.next().unwrap_or_default();
        let (own, other, state) = (next(), next(), next());
        own.ends_with(&format!(":{door:04X}"))
            && other.ends_with(&format!(":{client:04X}"))
            && state == ESTABLISHED
    };
    while !fs::read_to_string("/proc/net/tcp").expect("Linux has it").lines().any(is_listed) {
        assert!(began.elapsed() < TIMEOUT, "it is not accepted");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A client that has got its answer, and asks for nothing more.
fn idle_client(server: &TestServer) -> Client {
    let mut client = server.client();
    client.send(GET);
    answer(&mut server.application.accept(), &mut client);
    client
}

#[test]
fn a_door_that_stops_accepting_finishes_what_is_under_way() {
    let server = TestServer::open();
    let mut idle = idle_client(&server);
    let mut busy = server.client();
    busy.send(GET);
    let mut application = server.application.accept();
    application.head();
    server.door.stop_accepting();
    server.door.stop_accepting();
    assert_eq!(idle.rest(), "");
    wait_until_refused(&server.door);
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast");
    let (head, body) = busy.message();
    assert_eq!((head.get("connection"), body.as_str()), (Some("close"), "last"));
    assert_eq!(busy.rest(), "");
}

/// The listening socket is closed by the door's thread in its own time.
fn wait_until_refused(door: &Door) {
    let began = Instant::now();
    while TcpStream::connect(door.local_addr()).is_ok() {
        assert!(began.elapsed() < TIMEOUT, "the door still accepts");
        thread::yield_now();
    }
}

#[test]
fn a_door_that_closes_ends_everything() {
    let mut server = TestServer::open();
    let mut idle = idle_client(&server);
    let mut streaming = server.client();
    streaming.send(GET);
    let mut application = server.application.accept();
    application.head();
    application.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    streaming.head();
    let mut undecided = server.client();
    undecided.send(UPGRADE);
    let request = server.asked();
    server.door.close();
    assert!(!request.responder.is_awaited());
    assert_eq!(server.given_up(), request.id);
    for client in [&mut idle, &mut streaming, &mut undecided] {
        assert_eq!(client.rest(), "");
    }
    assert_eq!(application.rest(), "");
    server.door.close();
    server.door.stop_accepting();
}

#[test]
fn a_door_that_ends_requests_still_hands_accepted_clients_over() {
    let server = TestServer::open();
    let mut busy = server.client();
    busy.send(GET);
    let mut application = server.application.accept();
    application.head();
    let mut undecided = server.client();
    undecided.send(UPGRADE);
    let request = server.asked();
    // Not the first request of its connection, so that the door has to send the 101.
    let mut accepted = idle_client(&server);
    accepted.send(UPGRADE);
    let (decision, outcome) = acceptance(Headers::new());
    assert!(server.asked().responder.decide(decision));
    server.door.stop_accepting();
    server.door.end_requests();
    assert!(matches!(outcome.recv_timeout(TIMEOUT), Ok(Outcome::Attached(..))));
    assert_eq!(accepted.head().status(), 101);
    assert_eq!(server.given_up(), request.id);
    for client in [&mut busy, &mut undecided] {
        assert_eq!(client.rest(), "");
    }
    assert_eq!(application.rest(), "");
}

#[test]
fn the_port_is_free_again_at_once() {
    let server = TestServer::open();
    let mut client = server.client();
    client.send("bad\r\n\r\n");
    assert_eq!(client.message().0.status(), 400);
    let address = server.door.local_addr();
    drop(server);
    let nowhere = SocketPath::new();
    let mut again = config(&nowhere);
    again.listen.port = address.port();
    let door = Door::open(again, |_| {}).expect("a free port");
    assert_eq!(door.local_addr(), address);
}

#[test]
fn a_door_that_runs_out_of_descriptors_goes_on_when_there_are_some() {
    let name = "closing::a_door_that_runs_out_of_descriptors_goes_on_when_there_are_some";
    alone(name, || {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(64), ..limit }).expect("a lower limit");
        let server = TestServer::open();
        let mut early = server.client();
        early.send(GET);
        let mut application = server.application.accept();
        answer(&mut application, &mut early);
        let mut taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        // One for the client's own end of the connection. The door finds none for the other.
        taken.pop();
        let mut late = server.client();
        late.send(GET);
        // Once the door has served this, it has also tried to accept the late client.
        early.send(GET);
        answer(&mut application, &mut early);
        let mfile = rustix::io::Errno::MFILE.raw_os_error();
        assert_eq!(server.complaint().raw_os_error(), Some(mfile));
        drop(taken);
        answer(&mut application, &mut late);
    });
}

/// Answers a request that the client has sent.
fn answer(application: &mut Wire<UnixStream>, client: &mut Client) {
    application.head();
    application.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.message().1, "hi");
}

#[test]
fn the_port_is_free_as_soon_as_a_door_stops_accepting() {
    for _ in 0..20 {
        let server = TestServer::open();
        let mut again = config(&SocketPath::new());
        again.listen.port = server.door.local_addr().port();
        server.door.stop_accepting();
        Door::open(again, |_| {}).expect("the port is free");
    }
}
