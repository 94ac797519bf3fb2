//! A core with its door, an application that the tests play, and a client that wants its service.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use shardcast_core::broadcaster::{Accepted, Broadcaster, Publication};
use shardcast_core::door::{DoorConfig, Headers, ListenOptions};
use shardcast_core::event_queue::Event;
use shardcast_core::frame::Payload;
use shardcast_core::options::Options;
use tungstenite::client::client;

use crate::harness::{TIMEOUT, TestClient, options, text};

/// Messages that a control client gets at least, however short an attack is.
const ROUNDS_AT_LEAST: usize = 100;

/// The only channel. Clients of any path but [`NEVER`] hear it.
pub(crate) const CHANNEL: &str = "ticks";
/// An upgrade with this path gets no decision.
pub(crate) const NEVER: &str = "/never";
pub(crate) const ANY: &str = "/";

/// What the application did and heard.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) asked: AtomicUsize,
    pub(crate) messages: AtomicUsize,
    pub(crate) closed: AtomicUsize,
}

enum Order {
    /// The wake callback was called.
    Look,
    Publish(String),
    /// See [`Server::slow_down`].
    TakeAtOnce(usize),
    /// Does nothing until the other end is dropped.
    Hold(Receiver<()>),
    Stop,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) heard: Arc<Heard>,
    orders: Sender<Order>,
    application: Option<JoinHandle<()>>,
}

pub(crate) fn door() -> DoorConfig {
    DoorConfig {
        listen: ListenOptions::on(Ipv4Addr::LOCALHOST.into(), 0),
        upstream: "/nowhere/shardcast.sock".into(),
        upstream_secret: String::new(),
        head_timeout: TIMEOUT,
        idle_timeout: Some(TIMEOUT),
        max_head_bytes: 16_384,
        min_authority_bytes: 1,
        max_body_bytes: 1 << 20,
        max_requests: 10_000,
        upgrade_timeout: TIMEOUT,
        write_timeout: TIMEOUT,
        max_pending_upgrades: 64,
        per_message_deflate: true,
        fast_path: true,
        has_dev_server: false,
    }
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with(options(), door())
    }

    pub(crate) fn start_with(options: Options, door: DoorConfig) -> Server {
        let (orders, taken) = channel();
        let woken = orders.clone();
        let wake = move || {
            let _ = woken.send(Order::Look);
        };
        let mut broadcaster = Broadcaster::start(options, wake).expect("threads are to be had");
        let address = broadcaster.listen(door).expect("a port is to be had");
        let heard = Arc::new(Heard::default());
        let application = Application::new(broadcaster, Arc::clone(&heard));
        let application = Some(thread::spawn(move || application.run(&taken)));
        Server { address, heard, orders, application }
    }

    pub(crate) fn publish(&self, text: &str) {
        self.order(Order::Publish(text.to_owned()));
    }

    /// Has the application take so many events for each order, as one that is behind does.
    pub(crate) fn slow_down(&self, events: usize) {
        self.order(Order::TakeAtOnce(events));
    }

    /// Has the application do nothing until the guard is dropped.
    pub(crate) fn hold(&self) -> Sender<()> {
        let (guard, held) = channel();
        self.order(Order::Hold(held));
        guard
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the application runs");
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("the door listens");
        socket.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
        socket.set_nodelay(true).expect("it is connected");
        socket
    }

    /// A client that has done the handshake, which checks the door's answer.
    pub(crate) fn client(&self) -> TestClient {
        self.try_client().expect("the application lets everybody in")
    }

    /// The same, if the door has room.
    pub(crate) fn try_client(&self) -> Option<TestClient> {
        let connected = client(format!("ws://{}{ANY}", self.address), self.connect());
        connected.ok().map(|(client, _)| client)
    }

    /// Has a control client get every message in order while `attack` runs, and after.
    pub(crate) fn serves_during(&self, attack: impl FnOnce() + Send) {
        let mut control = self.client();
        let mut number = 0;
        let mut round = || {
            self.publish(&format!("message {number}"));
            assert_eq!(text(&mut control), format!("message {number}"));
            number += 1;
        };
        thread::scope(|scope| {
            let attack = scope.spawn(attack);
            while !attack.is_finished() {
                round();
            }
        });
        (0..ROUNDS_AT_LEAST).for_each(|_| round());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        let ended = self.application.take().expect("it is taken once").join();
        assert!(ended.is_ok() || thread::panicking(), "the application panics");
    }
}

struct Application {
    broadcaster: Broadcaster,
    heard: Arc<Heard>,
    take_at_once: usize,
}

impl Application {
    fn new(broadcaster: Broadcaster, heard: Arc<Heard>) -> Application {
        Application { broadcaster, heard, take_at_once: usize::MAX }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                Order::Look => {}
                Order::Publish(text) => {
                    let payload = Payload::Text(&text);
                    self.broadcaster.sequencer.publish(CHANNEL, payload, Publication::default());
                }
                Order::TakeAtOnce(events) => self.take_at_once = events,
                Order::Hold(guard) => {
                    let _ = guard.recv();
                }
                Order::Stop => return,
            }
            self.look();
        }
    }

    fn look(&mut self) {
        for _ in 0..self.take_at_once {
            match self.broadcaster.next_event() {
                Some(event) => self.hear(event),
                None if self.broadcaster.may_rest() => return,
                None => {}
            }
        }
    }

    fn hear(&mut self, event: Event) {
        let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        match event {
            Event::Upgrade(request) => {
                count(&self.heard.asked);
                let never = request.uri == NEVER;
                let ask = request.id;
                self.broadcaster.keep_upgrade(ask, request.form, request.responder);
                if never {
                    return;
                }
                if let Ok(Accepted { client, .. }) =
                    self.broadcaster.accept(ask, Some("a"), Headers::new())
                {
                    assert_eq!(self.broadcaster.sequencer.subscribe(client, CHANNEL), Ok(true));
                }
            }
            Event::Text(..) | Event::Binary(..) => {
                count(&self.heard.messages);
            }
            Event::Ping { client, payload, answered: false } => {
                self.broadcaster.sequencer.answer_ping(client, &payload);
            }
            Event::PeerDone(client) => self.broadcaster.sequencer.finish(client),
            Event::Closed { .. } => {
                count(&self.heard.closed);
            }
            _ => {}
        }
    }
}

/// Waits until `what` holds. For what no event reports.
pub(crate) fn wait_until(what: impl Fn() -> bool) {
    let give_up_at = Instant::now() + TIMEOUT;
    while !what() {
        assert!(Instant::now() < give_up_at, "it never comes true");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Descriptors that this process has open.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("a directory of Linux").count()
}
