//! A broadcaster without a door, and real clients on real sockets.

#![allow(dead_code, unreachable_pub, reason = "every test file uses its own share")]

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use shardcast_core::broadcaster::placement::Placement;
use shardcast_core::broadcaster::reports::{Query, Report};
use shardcast_core::broadcaster::{Broadcaster, Publication};
use shardcast_core::door::{Handoff, Reservation};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::frame::form::Form;
use shardcast_core::ids::ClientKey;
use shardcast_core::options::{ClientLimits, Options, SlowPolicy, UnfinishedLimits};
use shardcast_core::queue::QueueLimits;
use shardcast_core::worker::cohort::log::Lag;
use shardcast_core::worker::counters::Counters;
use shardcast_core::worker::departure::Departure;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// How long anything may take before a test gives up.
pub const TIMEOUT: Duration = Duration::from_secs(30);

pub type TestClient = WebSocket<TcpStream>;

pub fn options() -> Options {
    Options {
        placement: Placement {
            shards: NonZeroU32::new(2).expect("two"),
            workers_per_shard: NonZeroU32::new(2).expect("two"),
            key: None,
        },
        max_clients: 10_000,
        max_channels_per_client: 4,
        backpressure_limit_bytes: 1 << 20,
        close_on_backpressure_limit: false,
        queue: QueueLimits { messages: 100_000, bytes: 1 << 30 },
        saturation_percent: 50,
        compression_threshold_bytes: 64,
        worker_niceness: 10,
        client: ClientLimits {
            lag: Lag { messages: 1_000_000, bytes: 1 << 30 },
            slow: SlowPolicy::Disconnect,
            max_payload_bytes: 1 << 16,
            unfinished: UnfinishedLimits { bytes: 1 << 30, timeout: None },
            idle_timeout: None,
            send_pings: true,
        },
    }
}

/// The same with all clients on one worker.
pub fn one_worker() -> Options {
    let placement =
        Placement { shards: NonZeroU32::MIN, workers_per_shard: NonZeroU32::MIN, key: None };
    Options { placement, ..options() }
}

pub struct Harness {
    pub broadcaster: Broadcaster,
    listener: TcpListener,
    woken: Receiver<()>,
    /// The next event calls the wake callback, or has called it already.
    rested: bool,
}

impl Harness {
    pub fn start(options: Options) -> Harness {
        Harness::start_with(options, || {})
    }

    /// `on_wake` is called by the wake callback, on the thread that emits.
    pub fn start_with(options: Options, on_wake: impl Fn() + Send + Sync + 'static) -> Harness {
        let (wake, woken) = channel();
        let broadcaster = Broadcaster::start(options, move || {
            let _ = wake.send(());
            on_wake();
        });
        Harness {
            broadcaster: broadcaster.expect("threads are to be had"),
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is to be had"),
            woken,
            rested: true,
        }
    }

    /// A connected pair of sockets: the server's and the client's end.
    pub fn sockets(&self) -> (TcpStream, TcpStream) {
        let address = self.listener.local_addr().expect("it is bound");
        let client = TcpStream::connect(address).expect("the listener accepts");
        let (server, _) = self.listener.accept().expect("a client has connected");
        server.set_nonblocking(true).expect("a socket can be non-blocking");
        client.set_read_timeout(Some(TIMEOUT)).expect("the time-out is not zero");
        (server, client)
    }

    pub fn connect(&mut self, id: &str) -> (ClientKey, TestClient) {
        self.connect_with(id, Form::Raw)
    }

    /// A client that was promised its messages in this form. tungstenite knows only one.
    pub fn connect_with(&mut self, id: &str, form: Form) -> (ClientKey, TestClient) {
        let (server, client) = self.sockets();
        self.attach(id, form, server, client)
    }

    /// A client whose connection the test has made.
    pub fn attach(
        &mut self,
        id: &str,
        form: Form,
        server: TcpStream,
        client: TcpStream,
    ) -> (ClientKey, TestClient) {
        let admission = self.broadcaster.sequencer.admit(id, form).expect("there is room");
        let key = admission.key();
        Box::new(admission).attach(Handoff::answered(server, Bytes::new()));
        (key, WebSocket::from_raw_socket(client, Role::Client, None))
    }

    pub fn subscriber(&mut self, id: &str, channel: &str) -> (ClientKey, TestClient) {
        let (key, client) = self.connect(id);
        assert_eq!(self.broadcaster.sequencer.subscribe(key, channel), Ok(true));
        (key, client)
    }

    pub fn publish(&mut self, channel: &str, text: &str) {
        let published = self.broadcaster.sequencer.publish(
            channel,
            Payload::Text(text),
            Publication::default(),
        );
        assert_eq!(published.dropped, 0, "the queue has room");
    }

    /// The next event, however long it takes.
    pub fn event(&mut self) -> Event {
        loop {
            if let Some(event) = self.broadcaster.next_event() {
                return event;
            }
            if !self.rested && !self.broadcaster.may_rest() {
                continue;
            }
            self.woken.recv_timeout(TIMEOUT).expect("an event comes");
            self.rested = false;
        }
    }

    /// A report on clients. Nothing else may happen meanwhile.
    pub fn report(&mut self, query: Query) -> Report {
        let requested = self.broadcaster.request_report(query);
        match self.event() {
            Event::Report(id, report) if id == requested => report,
            _ => panic!("the report comes"),
        }
    }

    /// The next client that closes. Others may answer pings meanwhile.
    pub fn closed(&mut self) -> (ClientKey, u16, String) {
        loop {
            match self.event() {
                Event::Closed { client, code, reason, .. } => return (client, code, reason),
                Event::PeerDone(client) => self.broadcaster.sequencer.finish(client),
                Event::Pong(..) => {}
                _ => panic!("a client closes"),
            }
        }
    }

    /// Why the next client that closes has left. Others may answer pings meanwhile.
    pub fn departure(&mut self) -> (ClientKey, Departure) {
        loop {
            match self.event() {
                Event::Closed { client, departure, .. } => return (client, departure),
                Event::PeerDone(client) => self.broadcaster.sequencer.finish(client),
                Event::Pong(..) => {}
                _ => panic!("a client closes"),
            }
        }
    }

    /// The counters of all workers together.
    pub fn totals(&self) -> Counters {
        let mut totals = Counters::default();
        for snapshot in self.broadcaster.sequencer.snapshots() {
            totals += snapshot.counters;
        }
        totals
    }

    /// Waits until the counters satisfy `what`. They are shown once a turn of their worker.
    pub fn wait_for(&self, what: impl Fn(&Counters) -> bool) -> Counters {
        let give_up_at = Instant::now() + TIMEOUT;
        loop {
            let totals = self.totals();
            if what(&totals) {
                return totals;
            }
            assert!(Instant::now() < give_up_at, "still {totals:?}");
            std::thread::yield_now();
        }
    }
}

/// The next text that a client gets.
pub fn text(client: &mut TestClient) -> String {
    match client.read().expect("a message comes") {
        Message::Text(text) => text.as_str().to_owned(),
        other => panic!("a text comes, not {other:?}"),
    }
}

/// Reads on to the close frame: the texts before it, its code and its reason.
pub fn texts_until_close(client: &mut TestClient) -> (Vec<String>, u16, String) {
    let mut texts = Vec::new();
    loop {
        match client.read().expect("a close frame comes") {
            Message::Text(text) => texts.push(text.as_str().to_owned()),
            Message::Close(frame) => {
                let frame = frame.expect("it has a code");
                return (texts, frame.code.into(), frame.reason.as_str().to_owned());
            }
            _ => {}
        }
    }
}

/// A masked frame, with a key of zeros so that the payload stands as it is.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Sends these bytes as they are.
pub fn write(socket: &TcpStream, bytes: &[u8]) {
    (&mut &*socket).write_all(bytes).expect("the server reads");
}
