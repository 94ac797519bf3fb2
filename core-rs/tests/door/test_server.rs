//! A door with an application behind it, and the clients before it.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use shardcast_core::door::{
    Decision, Door, DoorConfig, DoorEvent, Handoff, Headers, ListenOptions, RequestFailure,
    Reservation, UpgradeId, UpgradeRequest,
};

use crate::application::{Application, SocketPath};
use crate::wire::Wire;

/// How long anything may take before a test gives up.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// What the door shows the application.
pub(crate) const SECRET: &str = "0123";

pub(crate) const MAX_HEAD_BYTES: usize = 1000;

pub(crate) const MAX_BODY_BYTES: usize = 256 << 20;

pub(crate) type Client = Wire<TcpStream>;

pub(crate) struct TestServer {
    pub(crate) door: Door,
    pub(crate) application: Application,
    asked: Receiver<UpgradeRequest>,
    given_up: Receiver<UpgradeId>,
    complaints: Receiver<io::Error>,
    failures: Receiver<(RequestFailure, u32, String)>,
}

impl TestServer {
    pub(crate) fn open() -> TestServer {
        TestServer::open_with(|_| {})
    }

    /// Opens a door whose configuration is changed first.
    pub(crate) fn open_with(change: impl FnOnce(&mut DoorConfig)) -> TestServer {
        let application = Application::listen();
        let mut config = config(&application.path);
        change(&mut config);
        let (ask, asked) = channel();
        let (give_up, given_up) = channel();
        let (complain, complaints) = channel();
        let (fail, failures) = channel();
        let door = Door::open(config, move |event| {
            // The receivers are gone when the test has ended.
            let _ = match event {
                DoorEvent::UpgradeRequested(request) => ask.send(request).is_ok(),
                DoorEvent::UpgradeGivenUp(ask) => give_up.send(ask).is_ok(),
                DoorEvent::AcceptFailed(error) => complain.send(error).is_ok(),
                DoorEvent::RequestsFailed { kind, failures, reason } => {
                    fail.send((kind, failures, reason)).is_ok()
                }
            };
        });
        let door = door.expect("a free port");
        TestServer { door, application, asked, given_up, complaints, failures }
    }

    pub(crate) fn client(&self) -> Client {
        connect(&self.door)
    }

    /// Waits until the door has answered something by itself. It has then seen what came before.
    pub(crate) fn is_answering(&self) {
        let mut client = self.client();
        client.send("GET / HTTP/1.1\r\n\r\n");
        assert_eq!(client.message().0.status(), 400);
    }

    /// The next upgrade that waits for a decision.
    pub(crate) fn asked(&self) -> UpgradeRequest {
        self.asked.recv_timeout(TIMEOUT).expect("the door asks")
    }

    /// The next upgrade that the door has given up.
    pub(crate) fn given_up(&self) -> UpgradeId {
        self.given_up.recv_timeout(TIMEOUT).expect("the door gives one up")
    }

    /// The next reason why no connection could be accepted.
    pub(crate) fn complaint(&self) -> io::Error {
        self.complaints.recv_timeout(TIMEOUT).expect("the door complains")
    }

    /// The next failures of requests that the door reports.
    pub(crate) fn failures(&self) -> (RequestFailure, u32, String) {
        self.failures.recv_timeout(TIMEOUT).expect("the door reports")
    }
}

pub(crate) fn config(upstream: &SocketPath) -> DoorConfig {
    DoorConfig {
        listen: ListenOptions::on(Ipv4Addr::LOCALHOST.into(), 0),
        upstream: upstream.as_path().to_owned(),
        upstream_secret: SECRET.into(),
        head_timeout: TIMEOUT,
        idle_timeout: Some(TIMEOUT),
        write_timeout: TIMEOUT,
        max_head_bytes: MAX_HEAD_BYTES,
        min_authority_bytes: 1,
        max_body_bytes: MAX_BODY_BYTES,
        max_requests: 1000,
        upgrade_timeout: TIMEOUT,
        max_pending_upgrades: 8,
        per_message_deflate: true,
        fast_path: true,
        has_dev_server: false,
    }
}

pub(crate) fn connect(door: &Door) -> Client {
    let socket = TcpStream::connect(door.local_addr()).expect("the door listens");
    socket.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    Wire::new(socket)
}

/// What becomes of a reservation.
pub(crate) enum Outcome {
    Attached(TcpStream, Bytes),
    GivenUp,
}

struct Place {
    outcome: Option<Sender<Outcome>>,
    is_behind: bool,
}

impl Reservation for Place {
    fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Sends the client its response, if the door has left that to the worker, as it does only with
    /// one that is not behind.
    fn attach(mut self: Box<Self>, handoff: Handoff) {
        let Handoff { mut socket, response, read_ahead } = handoff;
        assert!(response.is_empty() || !self.is_behind);
        socket.write_all(&response).expect("room in a new socket");
        if let Some(outcome) = self.outcome.take() {
            let _ = outcome.send(Outcome::Attached(socket, read_ahead));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            let _ = outcome.send(Outcome::GivenUp);
        }
    }
}

/// An acceptance with these headers, and where to hear what becomes of it.
pub(crate) fn acceptance(headers: Headers) -> (Decision, Receiver<Outcome>) {
    acceptance_by(headers, false)
}

/// An acceptance for a worker that is behind.
pub(crate) fn acceptance_by_one_that_is_behind() -> (Decision, Receiver<Outcome>) {
    acceptance_by(Headers::new(), true)
}

fn acceptance_by(headers: Headers, is_behind: bool) -> (Decision, Receiver<Outcome>) {
    let (sender, outcome) = channel();
    let reservation = Box::new(Place { outcome: Some(sender), is_behind });
    (Decision::Accept { headers, reservation }, outcome)
}

/// Accepts an upgrade, and returns what the door then hands over: the client's socket, in blocking
/// mode, and the bytes it had read ahead.
pub(crate) fn admit(request: UpgradeRequest) -> (TcpStream, Bytes) {
    let (decision, outcome) = acceptance(Headers::new());
    assert!(request.responder.decide(decision), "the door waits");
    match outcome.recv_timeout(TIMEOUT).expect("the door hands over") {
        Outcome::Attached(socket, read_ahead) => {
            socket.set_nonblocking(false).expect("a living socket");
            (socket, read_ahead)
        }
        Outcome::GivenUp => panic!("the door gave the client up"),
    }
}

pub(crate) fn refusal(status: u16, body: &'static str) -> Decision {
    Decision::Refuse { status, headers: Headers::new(), body: Bytes::from_static(body.as_bytes()) }
}
