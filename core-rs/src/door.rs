//! The door: the one public port, and the one thread that speaks HTTP.
//!
//! A connection goes through the files in this order:
//!
//! 1. `listener` accepts it, and `arrival` listens to what its client says first.
//! 2. A WebSocket upgrade is checked (`handshake`, `extensions`) and decided elsewhere (`decider`,
//!    with the types of `upgrade`; `heads` keeps short what is told); an accepted socket leaves the
//!    door for its [`Reservation`]. One that is proper and comes first takes a `shortcut`, with a
//!    `reader` of its own: it waits as a `guest`, whom the `waiting_room` looks after, and the
//!    application's thread sends it on.
//! 3. `connection` reads all other requests, with limits, and sends each one way or the other.
//!    Their heads, and the frames of their bodies, are judged by a `request_filter` first; it and
//!    the `reader` have one `parser`. The connection waits for requests with a limit (`patience`),
//!    and writes to the client with one too (`client_socket`), even if it has ended its side
//!    (`grace`).
//! 4. Any other request is passed on to the application (`proxy`, `exchange`) over connections that
//!    are kept (`app_connections`) to its unix socket (`upstream`, `app_socket`), with the client's
//!    address (`peer`). What it leaves unanswered is counted and told (`failures`). A socket of
//!    Bun's own development server goes there as well (`dev_sockets`).
//! 5. A connection that the door ends is left with care (`linger`).
//!
//! What the door answers by itself is an `objection`; such upgrades are counted (`refusals`). What
//! happens it tells its [`Host`] (`tell`). After a rush it gives memory back (`tidy`). All its
//! tasks run on its one thread, so that nothing in it is locked but the chairs of guests.

mod app_connections;
mod app_socket;
mod arrival;
mod client_socket;
mod closing;
mod connection;
mod decider;
mod dev_sockets;
mod exchange;
mod extensions;
mod failures;
mod grace;
mod guest;
mod handshake;
mod headers;
mod heads;
mod linger;
mod listener;
mod objection;
mod parser;
mod patience;
mod peer;
mod proxy;
mod reader;
mod refusals;
mod request;
mod request_filter;
mod response;
mod shortcut;
mod tell;
mod tidy;
mod upgrade;
mod upstream;
mod waiting_room;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{self, LocalSet};

use arrival::Opening;
use closing::{Closing, Latch};
use connection::Reception;
use failures::Failures;
use listener::Listener;
use proxy::Proxy;
use refusals::Refusals;
use tell::Tell;
use upstream::Upstream;

pub use failures::RequestFailure;
pub use heads::{Head, MAX_TEMPLATE_BYTES, MAX_TEMPLATES};
pub use listener::ListenOptions;
pub use peer::{PEER, PEER_HEADER};
pub use refusals::RefusedUpgrades;
pub use tell::Host;
pub use upgrade::{AskId, Decision, Entrant, Headers, PendingUpgrade, Reservation, UpgradeRequest};

/// Where the door listens, and what it tolerates.
#[derive(Clone, Debug)]
pub struct DoorConfig {
    /// The public address, and who else may have it.
    pub listen: ListenOptions,
    /// The unix socket on which the application answers plain HTTP: its path, or on Linux its
    /// abstract name after a NUL.
    pub upstream: PathBuf,
    /// What the application knows the door by; visible ASCII.
    pub upstream_secret: String,
    /// Plain requests that the application may be at, at once. One more is told 503.
    pub max_requests: usize,
    /// How long a connection may take to send a whole request head, counted from when it was
    /// accepted or from the head's first byte.
    pub head_timeout: Duration,
    /// How long a connection is kept on which no other request begins, by the door and by the
    /// application behind it. None is for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take nothing of a response before its connection is given up.
    pub write_timeout: Duration,
    /// Size of a request line and its headers, in bytes. A longer head is answered with 431.
    pub max_head_bytes: usize,
    /// Length of a request's host, with its port where a URL has that. A shorter one is answered
    /// with 400. For applications that look for the path from a fixed place in the URL on.
    pub min_authority_bytes: usize,
    /// Size of a request's body, in bytes. A longer body is answered with 413.
    pub max_body_bytes: usize,
    /// How long a client waits for the decision on its upgrade before it is told 503.
    pub upgrade_timeout: Duration,
    /// Upgrades that may wait for their decision at once. One more is told 503.
    pub max_pending_upgrades: usize,
    /// Whether clients may have their messages compressed.
    pub per_message_deflate: bool,
    /// Whether Bun's development server is behind the door, with sockets of its own.
    pub has_dev_server: bool,
}

/// How long [`Door::stop_accepting`] waits for the door's thread, which is never busy for as long.
const UNLISTEN_TIMEOUT: Duration = Duration::from_secs(1);

/// What the door tells.
pub enum DoorEvent {
    /// A client asks for a WebSocket.
    Asked(UpgradeRequest),
    /// Nobody waits for the decision on an upgrade any more: its client has gone, or was told 503.
    GivenUp(AskId),
    /// The system has no descriptor or memory for a connection. It waits to be accepted, and is
    /// tried again.
    AcceptFailed(io::Error),
    /// So many requests more have got no answer of the application's.
    RequestsFailed {
        /// How.
        kind: RequestFailure,
        /// How many.
        failures: u32,
        /// Why the last one has not.
        reason: String,
    },
}

/// An open door. It closes when dropped.
pub struct Door {
    local_addr: SocketAddr,
    latch: Latch,
    refusals: Arc<Refusals>,
    /// Nothing is ever sent: it is hung up once the listening socket is closed.
    listening: Receiver<Infallible>,
    /// Taken by `close`.
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Binds the address, starts the door's thread, and returns once clients can connect.
    ///
    /// # Errors
    ///
    /// What the system says when the address, a descriptor or a thread is not to be had; its
    /// `raw_os_error` is kept.
    pub fn open(config: DoorConfig, host: impl Host + 'static) -> io::Result<Door> {
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = listener::bind(config.listen)?;
        let local_addr = listener.local_addr()?;
        let listener = {
            let _entered = runtime.enter();
            listener::watch(listener)?
        };
        let (latch, closing) = closing::latch();
        let refusals = Arc::new(Refusals::default());
        let counted = Arc::clone(&refusals);
        let (listens, listening) = channel();
        let socket = (listener, listens);
        let thread = thread::Builder::new().name("shardcast-door".into()).spawn(move || {
            let served = keep_open(socket, config, Tell::new(host), counted, closing);
            LocalSet::new().block_on(&runtime, served);
        })?;
        Ok(Door { local_addr, latch, refusals, listening, thread: Some(thread) })
    }

    /// The address the door listens on, with the actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// How many upgrades it has refused by itself.
    pub fn refused_upgrades(&self) -> RefusedUpgrades {
        self.refusals.read()
    }

    /// Closes the listening socket and lets connections end with the request they are at. Returns
    /// before those have ended, but with the port free for another server; doing it again changes
    /// nothing.
    pub fn stop_accepting(&self) {
        self.latch.drain();
        let _ = self.listening.recv_timeout(UNLISTEN_TIMEOUT);
    }

    /// Ends requests and undecided upgrades at once, without an answer. Accepted clients that are
    /// on their way to their workers still get there.
    pub fn end_requests(&self) {
        self.latch.end();
    }

    /// Ends every connection at once and waits for the door's thread, which takes no longer than
    /// what it may be telling. Sockets that were handed over are no longer the door's.
    ///
    /// Requests under way are not waited for: the thread that closes the door is the one that would
    /// have to answer them. Call [`Door::stop_accepting`] and let them finish first.
    pub fn close(&mut self) {
        self.latch.close();
        if let Some(thread) = self.thread.take() {
            // Its panic has been reported by the panic hook, and leaves nothing open.
            let _ = thread.join();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

/// Serves until the door closes. The connections' tasks are then dropped with the [`LocalSet`].
async fn keep_open(
    (listener, listens): (Listener, Sender<Infallible>),
    config: DoorConfig,
    tell: Tell,
    refusals: Arc<Refusals>,
    mut closing: Closing,
) {
    let (door, turned_away) = unbounded_channel();
    let failures = Failures::new(tell.clone());
    let proxy = Proxy::new(
        Upstream::new(config.upstream.clone()),
        config.max_requests,
        config.max_body_bytes,
        config.idle_timeout,
        failures,
    );
    let reception = Rc::new(Reception::new(config, tell.clone(), door, refusals, proxy));
    let kept = Rc::clone(&reception);
    task::spawn_local(async move { kept.proxy().keep().await });
    let kept = Rc::clone(&reception);
    task::spawn_local(async move { kept.tidy().keep(tidy::give_back).await });
    let kept = Rc::clone(&reception);
    task::spawn_local(async move {
        kept.waiting_room().keep(|left| kept.tidy().note_hand_overs(left)).await;
    });
    task::spawn_local(go_on(turned_away, Rc::clone(&reception), closing.clone()));
    let (kept, mut ending) = (Rc::clone(&reception), closing.clone());
    task::spawn_local(async move {
        ending.ending().await;
        kept.waiting_room().clear();
    });
    let receptions = closing.clone();
    let welcome = move |socket, peer| {
        // One connection's panic, which the panic hook has reported, is no other's loss.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            arrival::receive(socket, peer, &reception, &receptions);
        }));
    };
    let complain = move |error| tell.tell(DoorEvent::AcceptFailed(error));
    let receiving = listener::accept(listener, closing.clone(), welcome, complain);
    task::spawn_local(async move {
        receiving.await;
        drop(listens);
    });
    closing.closed().await;
}

/// Serves the connections of guests that are not let in, as fast as they are sent away.
async fn go_on(
    mut turned_away: UnboundedReceiver<Opening>,
    reception: Rc<Reception>,
    closing: Closing,
) {
    while let Some(opening) = turned_away.recv().await {
        task::spawn_local(connection::serve(opening, Rc::clone(&reception), closing.clone()));
    }
}
