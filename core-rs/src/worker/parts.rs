//! What a worker has before its thread: its queue, its epoll, and the waker between them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use mio::{Poll, Token, Waker};

use crate::queue::{MustWake, Queue, QueueItem, QueueLimits};
use crate::wake_tree::Wakeable;
use crate::worker::command::Command;

/// The token of the waker. Clients have the token of their index, which is far lower.
pub(super) const WAKER: Token = Token(usize::MAX);

/// See the module's description.
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
    /// Set once, by the thread that ends the worker, and read by the worker.
    stopping: Arc<AtomicBool>,
}

impl Mailbox {
    /// Gives the worker a command.
    pub fn push(&self, command: Command) {
        debug_assert!(command.bytes().is_none(), "messages are limited: see `WorkerLink::offer`");
        if self.queue.push(command) == MustWake(true) {
            self.wake();
        }
    }

    /// The queue. A thread that pushes directly has to ring its bell, and to wake the worker if
    /// the bell says so.
    pub fn queue(&self) -> &Queue<Command> {
        &self.queue
    }

    /// Whether the worker is to end, whatever still waits in its queue.
    pub(super) fn is_stopping(&self) -> bool {
        // Relaxed, as the store: see `stop`.
        self.stopping.load(Ordering::Relaxed)
    }

    /// Beside the queue: a full one can take a worker minutes, and the thread that ends it waits.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        // The system orders what was written before a wake before what is read after it: the
        // worker's next look in `is_stopping`, behind its epoll, sees the store.
        self.wake();
    }
}

impl Wakeable for Mailbox {
    fn wake(&self) {
        if let Some(waker) = self.waker.upgrade() {
            // It fails only when the worker's epoll is gone, and then no worker is left to wake.
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
