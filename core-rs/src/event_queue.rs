//! The events that Rust emits for JavaScript: one queue for all threads, and a wake callback.
//!
//! Workers and the door emit events, the JavaScript thread drains them. Messages of clients count
//! against a limit, past which workers stop reading from their sockets until JavaScript has caught
//! up. Closes do not count, for the number of clients bounds them. Upgrades do not count either:
//! the door limits those that are still in the queue, whether their clients wait or not, and each
//! is aborted at most once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crate::broadcaster::reports::{Report, ReportId};
use crate::door::{DoorEvent, EventSink, RequestFailure, UpgradeId, UpgradeRequest};
use crate::ids::{ChannelId, ClientKey};
use crate::queue::{MustWake, Queue, QueueItem, QueueLimits};
use crate::worker::client::missed::Missed;
use crate::worker::departure::Departure;

/// Messages of clients that may wait for JavaScript. Each worker may pass it by what one turn of a
/// client holds, inflated, and each client that closes by the event of what it has missed.
///
/// A message waits behind those of all clients, so that they are only as many as keep JavaScript
/// busy until the workers have read more.
const INBOUND: QueueLimits = QueueLimits { messages: 1024, bytes: 16 * 1024 * 1024 };

/// Something that happened, for JavaScript.
pub enum Event {
    /// A client asks for a WebSocket.
    Upgrade(UpgradeRequest),
    /// The door has ended an upgrade without a decision: its client has gone, or got a 503.
    UpgradeGivenUp(UpgradeId),
    /// A client sent a text message.
    Text(ClientKey, String),
    /// A client sent a binary message.
    Binary(ClientKey, Vec<u8>),
    /// A client sent a ping.
    Ping {
        /// The client.
        client: ClientKey,
        /// At most 125 bytes, which its pong has to bring back.
        payload: Vec<u8>,
        /// Its worker has answered it. Otherwise the application answers it by
        /// [`Broadcaster::answer_ping`], once it has answered what the client sent before.
        ///
        /// [`Broadcaster::answer_ping`]: crate::broadcaster::Broadcaster::answer_ping
        answered: bool,
    },
    /// A client sent a pong.
    Pong(ClientKey, Vec<u8>),
    /// A client has taken all that waited for it.
    Drained(ClientKey),
    /// A worker has taken what was in its queue when a publish found the queue saturated or full.
    /// [`Broadcaster`] makes it a `Drained` of the client.
    ///
    /// [`Broadcaster`]: crate::broadcaster::Broadcaster
    Relieved {
        /// Counted over all shards.
        worker: usize,
        /// The channel of the message.
        channel: ChannelId,
        /// One of its subscribers; `None` when there are none left.
        client: Option<ClientKey>,
    },
    /// A client has closed, has ended its side, or broke the protocol. Its worker reads no more
    /// from it. The application answers what it sent before, and then closes it by
    /// [`Broadcaster::finish`].
    ///
    /// [`Broadcaster::finish`]: crate::broadcaster::Broadcaster::finish
    PeerDone(ClientKey),
    /// A client is gone. Nothing about it follows.
    Closed {
        /// The client.
        client: ClientKey,
        /// Close code; 1006 for a connection that ended without one, 1005 for a close without code.
        code: u16,
        /// The reason that came with the code.
        reason: String,
        /// Why, and what waited for it.
        departure: Departure,
    },
    /// A slow client missed messages.
    Skipped(ClientKey, Missed),
    /// The system has no descriptor or memory for a connection that waits to be accepted. The door
    /// tries again after a pause.
    AcceptFailed(String),
    /// So many more requests got no answer from the application, the last one for this reason.
    RequestsFailed(RequestFailure, u32, String),
    /// A worker has panicked, and begun anew without its clients. Their closes follow.
    WorkerFailed {
        /// Counted over all shards.
        worker: usize,
        /// What the panic says.
        reason: String,
    },
    /// A worker's part of a report; the whole report when [`Broadcaster`] hands it on.
    ///
    /// [`Broadcaster`]: crate::broadcaster::Broadcaster
    Report(ReportId, Report),
}

impl QueueItem for Event {
    fn bytes(&self) -> Option<usize> {
        match self {
            Event::Text(_, text) => Some(text.len()),
            Event::Binary(_, bytes)
            | Event::Pong(_, bytes)
            | Event::Ping { payload: bytes, .. } => Some(bytes.len()),
            Event::Skipped(..) => Some(0),
            _ => None,
        }
    }
}

impl From<DoorEvent> for Event {
    fn from(event: DoorEvent) -> Event {
        match event {
            DoorEvent::UpgradeRequested(request) => Event::Upgrade(request),
            DoorEvent::UpgradeGivenUp(id) => Event::UpgradeGivenUp(id),
            DoorEvent::AcceptFailed(error) => Event::AcceptFailed(error.to_string()),
            DoorEvent::RequestsFailed { kind, failures, reason } => {
                Event::RequestsFailed(kind, failures, reason)
            }
        }
    }
}

/// The queue and its wake callback.
pub struct EventQueue {
    events: Queue<Event>,
    /// A worker has stopped reading. Set by workers, cleared by the JavaScript thread.
    held_back: AtomicBool,
    /// Asks the JavaScript thread to drain; called from any thread.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl EventQueue {
    /// An empty queue; the first event calls `wake`.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> EventQueue {
        let events = Queue::new(INBOUND);
        assert!(events.may_sleep(), "a new queue is empty");
        EventQueue { events, held_back: AtomicBool::new(false), wake: Box::new(wake) }
    }

    /// Adds an event. A worker that reads from clients asks [`EventQueue::has_room`] first.
    pub fn emit(&self, event: Event) {
        if self.events.push(event).0 {
            (self.wake)();
        }
    }

    /// Whether workers may read from their clients. After false, the worker's queue will get a
    /// `Resume` when they may.
    pub fn has_room(&self) -> bool {
        if self.events.load() < 1.0 {
            return true;
        }
        self.held_back.store(true, Ordering::Relaxed);
        // Pairs with the fence in `catch_up`: this look sees the room, or that one sees the flag.
        fence(Ordering::SeqCst);
        self.events.load() < 1.0
    }

    /// For the JavaScript thread: takes the oldest event.
    pub fn pop(&self) -> Option<Event> {
        self.events.pop()
    }

    /// For the JavaScript thread, after it has taken some: true when workers wait for a `Resume`.
    pub fn catch_up(&self) -> bool {
        // Pairs with the fence in `has_room`.
        fence(Ordering::SeqCst);
        self.held_back.load(Ordering::Relaxed)
            && self.events.load() < 0.5
            && self.held_back.swap(false, Ordering::Relaxed)
    }

    /// For the JavaScript thread: from here on the next event calls `wake`. False when events wait,
    /// and it has to drain again.
    pub fn may_rest(&self) -> bool {
        self.events.may_sleep()
    }
}

/// The door bounds what it emits by other means.
impl EventSink for Arc<EventQueue> {
    fn emit(&self, event: DoorEvent) -> MustWake {
        self.events.push(event.into())
    }

    fn wake(&self) {
        (self.wake)();
    }
}
