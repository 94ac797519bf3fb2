//! The door: the one public port, and the one thread that speaks HTTP.
//!
//! A connection goes through the files in this order:
//!
//! 1. `listener` accepts it, and `first_read` reads its first bytes.
//! 2. A WebSocket upgrade that comes whole takes the `fast_path`: it waits in a slot, and
//!    JavaScript's thread sends it on to its worker.
//! 3. `connection` reads all other requests with hyper, and answers each by an `upgrade`, or with
//!    what the `app` answers. Both ways read requests by the rules of `http`.
//!
//! The connections share a `context`. The door emits `events` to its [`EventSink`]. All its tasks
//! run on its one thread, so that nothing in it is locked but the slots of pending upgrades.

mod accepted_connection;
mod app;
mod closing;
mod config;
mod connection;
mod context;
mod events;
mod fast_path;
mod first_read;
mod http;
mod listener;
mod memory_trimmer;
mod read_buffer;
mod upgrade;

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
use context::DoorContext;
use events::Emitter;
use listener::Listener;
use upgrade::refused::RefusalCounters;

pub use app::peer_header::{PEER, PEER_HEADER};
pub use config::DoorConfig;
pub use events::{DoorEvent, EventSink, RequestFailure};
pub use listener::ListenOptions;
pub use upgrade::decision::{Decision, Handoff, Headers, Reservation, UpgradeId};
pub use upgrade::header_templates::{MAX_TEMPLATE_BYTES, MAX_TEMPLATES, TemplatedHeaders};
pub use upgrade::refused::RefusedUpgrades;
pub use upgrade::request::{Responder, UpgradeRequest};

/// How long [`Door::stop_accepting`] waits for the door's thread, which is never busy for as long.
const UNLISTEN_TIMEOUT: Duration = Duration::from_secs(1);

/// An open door. It closes when dropped.
pub struct Door {
    local_addr: SocketAddr,
    latch: Latch,
    refused_upgrades: Arc<RefusalCounters>,
    /// Takes no message: it is disconnected once the listening socket is closed.
    listening: Receiver<Infallible>,
    /// Taken by `close`.
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// Binds the address, starts the door's thread, and returns once clients can connect.
    ///
    /// # Errors
    ///
    /// The system's, when it does not give the address, a descriptor or a thread; its
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
    /// the event that it may be emitting. Sockets that were handed over are no longer the door's.
    ///
    /// It does not wait for requests under way: the thread that closes the door is the one that
    /// answers them. Call [`Door::stop_accepting`] and let them finish first.
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
    let (give_back, given_back) = unbounded_channel();
    let door = Rc::new(DoorContext::new(&config, &emitter, refused_upgrades, give_back));
    run(&door, async |door| door.proxy.run().await);
    run(&door, async |door| door.memory.run(memory_trimmer::trim).await);
    run(&door, async |door| {
        door.fast_path.run(|removed| door.memory.note_hand_overs(removed)).await;
    });
    let mut ending = closing.clone();
    run(&door, async move |door| {
        ending.ending().await;
        door.fast_path.clear();
    });
    task::spawn_local(serve_given_back(given_back, Rc::clone(&door), closing.clone()));
    let connections_closing = closing.clone();
    let receive = move |socket, peer| {
        // One connection's panic, which the panic hook has reported, is no other's loss.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            first_read::receive(socket, peer, &door, &connections_closing);
        }));
    };
    let report = move |error| emitter.emit(DoorEvent::AcceptFailed(error));
    let receiving = listener::accept(listener, closing.clone(), receive, report);
    task::spawn_local(async move {
        receiving.await;
        drop(listens);
    });
    closing.closed().await;
}

/// Runs one of the door's own tasks.
fn run(door: &Rc<DoorContext>, task: impl AsyncFnOnce(&DoorContext) + 'static) {
    let door = Rc::clone(door);
    task::spawn_local(async move { task(&door).await });
}

/// Serves the connections that the fast path gives back, as fast as they come.
async fn serve_given_back(
    mut given_back: UnboundedReceiver<AcceptedConnection>,
    door: Rc<DoorContext>,
    closing: Closing,
) {
    while let Some(connection) = given_back.recv().await {
        task::spawn_local(connection::serve(connection, Rc::clone(&door), closing.clone()));
    }
}
