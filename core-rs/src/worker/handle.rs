//! A worker as the other threads see it: how they reach it, how it starts and how it ends.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use mio::{Poll, Token, Waker};

use crate::event_queue::Bridge;
use crate::options::Options;
use crate::queue::{MustWake, Queue, QueueItem, QueueLimits};
use crate::wake_tree::{WakeTree, Wakeable};
use crate::worker::command::Command;
use crate::worker::counters::{Counters, SharedCounters};
use crate::worker::delivery_times::{DeliveryTimes, SharedDeliveryTimes};

use super::Worker;

/// The token of the waker. Clients have the token of their index, which is far lower.
pub(super) const WAKER: Token = Token(usize::MAX);

/// A worker as the other threads see it.
pub struct WorkerHandle {
    mailbox: Mailbox,
    shared_counters: Arc<SharedCounters>,
    delivery_times: Arc<SharedDeliveryTimes>,
    thread: Option<JoinHandle<()>>,
}

/// What a worker sleeps at, before it has a thread.
pub struct WorkerParts {
    /// Counted over all shards.
    pub(super) number: usize,
    pub(super) poll: Poll,
    /// Ends with the worker, and its descriptor with it, however long others hold a mailbox.
    _waker: Arc<Waker>,
    mailbox: Mailbox,
}

/// The way into a worker's queue.
#[derive(Clone)]
pub struct Mailbox {
    queue: Arc<Queue<Command>>,
    waker: Weak<Waker>,
    /// Set once, by whoever ends the worker, and read by the worker.
    stopping: Arc<AtomicBool>,
}

impl Mailbox {
    /// Gives the worker a command.
    pub fn push(&self, command: Command) {
        debug_assert!(command.bytes().is_none(), "messages are limited: see `Lane::offer`");
        if self.queue.push(command) == MustWake(true) {
            self.wake();
        }
    }

    /// The queue. Whoever pushes directly has to ring its bell, and to wake the worker if told so.
    pub fn queue(&self) -> &Queue<Command> {
        &self.queue
    }

    /// Whether the worker is to end, whatever still waits in its queue.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Beside the queue: a full one can take a worker minutes, and whoever ends it waits.
    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // The system orders what was written before a wake before what is read after it.
        self.wake();
    }
}

impl Wakeable for Mailbox {
    fn wake(&self) {
        if let Some(waker) = self.waker.upgrade() {
            // It fails only when the worker's epoll is gone, and then there is nobody to wake.
            let _ = waker.wake();
        }
    }
}

impl WorkerParts {
    /// An epoll, a queue with these limits, and a waker between them.
    ///
    /// # Errors
    ///
    /// What the system says when there is no descriptor to be had.
    pub fn open(number: usize, limits: QueueLimits) -> io::Result<WorkerParts> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(WorkerParts {
            number,
            poll,
            mailbox: Mailbox {
                queue: Arc::new(Queue::new(limits)),
                waker: Arc::downgrade(&waker),
                stopping: Arc::default(),
            },
            _waker: waker,
        })
    }

    /// The way into the queue.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl WorkerHandle {
    /// Starts a worker's thread, named `shardcast-<number>`. Once it runs, it wakes others as the
    /// tree says.
    ///
    /// # Errors
    ///
    /// What the system says when there is no thread to be had.
    pub fn start(
        parts: WorkerParts,
        options: &Options,
        bridge: Arc<Bridge>,
        wake_tree: Arc<WakeTree<Mailbox>>,
    ) -> io::Result<WorkerHandle> {
        let WorkerParts { number, mailbox, .. } = &parts;
        let (name, mailbox) = (format!("shardcast-{number}"), mailbox.clone());
        let shared_counters = Arc::new(SharedCounters::default());
        let delivery_times = Arc::new(SharedDeliveryTimes::default());
        let worker = Worker::new(
            parts,
            options.client,
            bridge,
            wake_tree,
            Arc::clone(&shared_counters),
            Arc::clone(&delivery_times),
        );
        let niceness = options.worker_niceness;
        let thread = thread::Builder::new().name(name).spawn(move || {
            make_way(niceness);
            worker.run_on();
        })?;
        Ok(WorkerHandle { mailbox, shared_counters, delivery_times, thread: Some(thread) })
    }

    /// The way into its queue.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.shared_counters.read()
    }

    /// How long its messages have taken.
    pub fn delivery_times(&self) -> DeliveryTimes {
        self.delivery_times.read()
    }

    /// Tells the thread to end, at once: what waits in its queue is not looked at any more.
    pub fn stop(&self) {
        self.mailbox.stop();
    }

    /// Waits until the thread has ended.
    pub fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It catches its own panics; see `failure`.
            let _ = thread.join();
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.stop();
        self.join();
    }
}

/// Lets the threads that answer people run first. Workers are always many, and on a busy machine
/// JavaScript and the door would each wait for its turn among all of them; a delivery that is a
/// little later, on the other hand, makes the next write carry more.
fn make_way(niceness: i32) {
    // Elsewhere this would be the niceness of the whole process.
    if cfg!(target_os = "linux") {
        // Refused, the thread stays as it is.
        let _ = rustix::process::nice(niceness);
    }
}
