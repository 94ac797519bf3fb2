//! The door: the one public port, and the one thread that speaks HTTP.
//!
//! A connection goes through the files in this order:
//!
//! 1. `listener` accepts it, and `first_read` reads its first bytes (`accepted_connection`).
//! 2. An upgrade is checked (`handshake`, `extensions`), passes the `upgrade_gate`, goes to
//!    the application (`upgrade_request`, `header_templates`), which decides (`decision`); an
//!    accepted socket leaves the door for its [`Reservation`]. A proper upgrade that comes first
//!    takes the `fast_path`, with a `request_reader` of its own: it waits as a `pending_upgrade`,
//!    which `pending_upgrades` watches, and JavaScript's thread sends it on.
//! 3. `connection` reads all other requests, with limits, and sends each one way or the other. A
//!    `request_filter` checks their heads, and the frames of their bodies, first; it and the
//!    `request_reader` have one `parser`. A `connection_timer` limits how long the connection waits
//!    for requests, the `client_socket` how long for writes, and `half_close` how long for the
//!    answer to a client that has ended its side.
//! 4. Any other request goes to the application (`proxy`, `upload`, `download`) over connections
//!    that are kept (`app_connections`) to its unix socket (`upstream`, `app_socket`), with the
//!    client's address (`peer_header`). `failures` counts and reports the requests without an
//!    answer. A socket of Bun's own development server goes there as well (`dev_sockets`).
//! 5. A connection that the door ends gets a `lingering_close`.
//!
//! What the door answers by itself is an `http_error` (`response`); such upgrades are counted
//! (`refused_upgrades`). It emits `events` to its [`EventSink`]. After a burst it gives memory back
//! (`memory_trimmer`). All its tasks run on its one thread, so that nothing in it is locked but the
//! slots of pending upgrades.

mod accepted_connection;
mod app_connections;
mod app_socket;
mod body;
mod client_socket;
mod closing;
mod config;
mod connection;
mod connection_timer;
mod decision;
mod dev_sockets;
mod download;
mod events;
mod extensions;
mod failures;
mod fast_path;
mod first_read;
mod half_close;
mod handshake;
mod header_templates;
mod headers;
mod http_error;
mod lingering_close;
mod listener;
mod memory_trimmer;
mod parser;
mod peer_header;
mod pending_upgrade;
mod pending_upgrades;
mod proxy;
mod refused_upgrades;
mod request;
mod request_filter;
mod request_reader;
mod response;
mod upgrade_gate;
mod upgrade_request;
mod upload;
mod upstream;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{self, LocalSet};

use accepted_connection::AcceptedConnection;
use closing::{Closing, Latch};
use connection::DoorContext;
use events::Emitter;
use failures::Failures;
use listener::Listener;
use proxy::Proxy;
use refused_upgrades::RefusalCounters;
use upstream::Upstream;

pub use config::DoorConfig;
pub use decision::{Decision, Handoff, Headers, Reservation, UpgradeId};
pub use events::{DoorEvent, EventSink, RequestFailure};
pub use header_templates::{MAX_TEMPLATE_BYTES, MAX_TEMPLATES, TemplatedHeaders};
pub use listener::ListenOptions;
pub use peer_header::{PEER, PEER_HEADER};
pub use refused_upgrades::RefusedUpgrades;
pub use upgrade_request::{Responder, UpgradeRequest};

/// How long [`Door::stop_accepting`] waits for the door's thread, which is never busy for as long.
const UNLISTEN_TIMEOUT: Duration = Duration::from_secs(1);

/// An open door. It closes when dropped.
pub struct Door {
    local_addr: SocketAddr,
    latch: Latch,
    refused_upgrades: Arc<RefusalCounters>,
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
    pub fn open(config: DoorConfig, sink: impl EventSink + 'static) -> io::Result<Door> {
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let listener = listener::bind(config.listen)?;
        let local_addr = listener.local_addr()?;
        let listener = {
            let _entered = runtime.enter();
            listener::watch(listener)?
        };
        let (latch, closing) = closing::latch();
        let refused_upgrades = Arc::new(RefusalCounters::default());
        let counted = Arc::clone(&refused_upgrades);
        let (listens, listening) = channel();
        let socket = (listener, listens);
        let thread = thread::Builder::new().name("shardcast-door".into()).spawn(move || {
            let served = keep_open(socket, config, Emitter::new(sink), counted, closing);
            LocalSet::new().block_on(&runtime, served);
        })?;
        Ok(Door { local_addr, latch, refused_upgrades, listening, thread: Some(thread) })
    }

    /// The address the door listens on, with the actual port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// How many upgrades it has refused by itself.
    pub fn refused_upgrades(&self) -> RefusedUpgrades {
        self.refused_upgrades.read()
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
    emitter: Emitter,
    refused_upgrades: Arc<RefusalCounters>,
    mut closing: Closing,
) {
    let (door, turned_away) = unbounded_channel();
    let failures = Failures::new(emitter.clone());
    let proxy = Proxy::new(
        Upstream::new(config.upstream.clone()),
        config.max_requests,
        config.max_body_bytes,
        config.idle_timeout,
        failures,
    );
    let door = Rc::new(DoorContext::new(config, emitter.clone(), door, refused_upgrades, proxy));
    let kept = Rc::clone(&door);
    task::spawn_local(async move { kept.proxy().keep().await });
    let kept = Rc::clone(&door);
    task::spawn_local(async move { kept.memory_trimmer().run(memory_trimmer::trim).await });
    let kept = Rc::clone(&door);
    task::spawn_local(async move {
        kept.pending_upgrades().run(|removed| kept.memory_trimmer().note_hand_overs(removed)).await;
    });
    task::spawn_local(go_on(turned_away, Rc::clone(&door), closing.clone()));
    let (kept, mut ending) = (Rc::clone(&door), closing.clone());
    task::spawn_local(async move {
        ending.ending().await;
        kept.pending_upgrades().clear();
    });
    let door_closing = closing.clone();
    let welcome = move |socket, peer| {
        // One connection's panic, which the panic hook has reported, is no other's loss.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            first_read::receive(socket, peer, &door, &door_closing);
        }));
    };
    let complain = move |error| emitter.emit(DoorEvent::AcceptFailed(error));
    let receiving = listener::accept(listener, closing.clone(), welcome, complain);
    task::spawn_local(async move {
        receiving.await;
        drop(listens);
    });
    closing.closed().await;
}

/// Serves the connections of guests that are not let in, as fast as they are sent away.
async fn go_on(
    mut turned_away: UnboundedReceiver<AcceptedConnection>,
    door: Rc<DoorContext>,
    closing: Closing,
) {
    while let Some(accepted) = turned_away.recv().await {
        task::spawn_local(connection::serve(accepted, Rc::clone(&door), closing.clone()));
    }
}
