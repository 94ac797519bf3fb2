//! The queue in front of each worker, and the bell by which a sleeping consumer is woken.
//!
//! Many threads push (the sequencer, and the door with sockets), one pops. Items come out in the
//! order in which they went in. Items that count, which are the published messages, are refused
//! past a limit; the others, which are commands, never are.

use std::fmt;

use self::sync::{AtomicBool, AtomicUsize, Items, Ordering, fence};

/// How much may wait in a [`Queue`].
#[derive(Clone, Copy, Debug)]
pub struct QueueLimits {
    /// Messages.
    pub messages: usize,
    /// Bytes of messages. One message may pass it, so that a large one is not refused for ever.
    pub bytes: usize,
}

impl QueueLimits {
    /// So many percent of these limits, and at least one message and one byte.
    pub fn percent(self, percent: usize) -> QueueLimits {
        let share = |limit: usize| (limit / 100 * percent + limit % 100 * percent / 100).max(1);
        QueueLimits { messages: share(self.messages), bytes: share(self.bytes) }
    }
}

/// An item with the bytes it counts for; `None` for what does not count.
struct Item<T> {
    value: T,
    bytes: Option<usize>,
}

/// A lock-free queue of many producers and one consumer.
pub struct Queue<T> {
    items: Items<Item<T>>,
    /// Counted items that wait. Producers add before they push, the consumer subtracts.
    messages: AtomicUsize,
    /// Bytes of the counted items that wait; written as `messages` is.
    bytes: AtomicUsize,
    limits: QueueLimits,
    bell: Bell,
}

/// Tells a producer to wake the consumer, which sleeps or is about to.
#[must_use = "a sleeping consumer is not woken by the queue itself"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MustWake(pub bool);

impl<T> Queue<T> {
    /// An empty queue whose consumer is awake.
    pub fn new(limits: QueueLimits) -> Queue<T> {
        Queue {
            items: Items::new(),
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            limits,
            bell: Bell::new(),
        }
    }

    /// Adds an item that does not count.
    pub fn push(&self, value: T) -> MustWake {
        self.items.push(Item { value, bytes: None });
        self.bell.ring()
    }

    /// Adds an item that counts as one message of `bytes`.
    ///
    /// # Errors
    ///
    /// Hands the item back when the queue is full.
    pub fn try_push(&self, value: T, bytes: usize) -> Result<MustWake, T> {
        // One producer pushes messages, so that the limits hold exactly: between this look and the
        // additions below the counts can only fall.
        if self.is_past(self.limits) {
            return Err(value);
        }
        Ok(self.push_counted(value, bytes))
    }

    /// Adds an item that counts, full or not: for a producer that has seen room before it made the
    /// item.
    pub fn push_counted(&self, value: T, bytes: usize) -> MustWake {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.items.push(Item { value, bytes: Some(bytes) });
        self.bell.ring()
    }

    /// Takes the oldest item. For the consumer alone.
    pub fn pop(&self) -> Option<T> {
        let item = self.items.pop()?;
        if let Some(bytes) = item.bytes {
            self.messages.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        Some(item.value)
    }

    /// Announces that the consumer will sleep. False when it must not, because something waits.
    ///
    /// After true, whoever pushes next is told to wake it; [`Queue::awake`] ends that.
    pub fn may_sleep(&self) -> bool {
        self.bell.arm();
        if self.items.is_empty() {
            return true;
        }
        self.bell.disarm();
        false
    }

    /// The consumer is awake again, whatever woke it.
    pub fn awake(&self) {
        self.bell.disarm();
    }

    /// Messages that wait.
    pub fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    /// Bytes of messages that wait.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// True when as much waits as `mark` says, or more, in messages or in bytes.
    pub fn is_past(&self, mark: QueueLimits) -> bool {
        self.messages() >= mark.messages || self.bytes() >= mark.bytes
    }

    /// How full the queue is, from 0 to 1 (and a little over, by one large message).
    pub fn load(&self) -> f64 {
        let messages = self.messages() as f64 / self.limits.messages as f64;
        let bytes = self.bytes() as f64 / self.limits.bytes as f64;
        messages.max(bytes)
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("messages", &self.messages()).finish_non_exhaustive()
    }
}

/// Wakes a consumer only when it sleeps, since waking costs a system call.
///
/// The consumer arms the bell, looks whether something waits, and only then sleeps. A producer
/// pushes, and then rings. Each writes one thing and then reads the other's: with the sequentially
/// consistent fences between, at least one of them sees what the other wrote, so nothing waits
/// beside a sleeper.
#[derive(Debug)]
pub struct Bell {
    /// Set by the consumer before it sleeps; cleared by whoever rings first, or by the consumer.
    armed: AtomicBool,
}

impl Bell {
    /// A bell that is not armed.
    pub fn new() -> Bell {
        Bell { armed: AtomicBool::new(false) }
    }

    /// For the consumer: from now on the first ring wakes. Look once more before sleeping.
    pub fn arm(&self) {
        // A swap, like the ringer's: swaps of one value have one order, so that a ring that was
        // under way since the last arming cannot silence this one.
        self.armed.swap(true, Ordering::Relaxed);
        // Pairs with the fence in `ring`: the look that follows sees the item, or the ring sees
        // this.
        fence(Ordering::SeqCst);
    }

    /// For the consumer: it is awake.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    /// For a producer, after it has pushed.
    pub fn ring(&self) -> MustWake {
        // Pairs with the fence in `arm`.
        fence(Ordering::SeqCst);
        let wake = self.armed.load(Ordering::Relaxed) && self.armed.swap(false, Ordering::Relaxed);
        MustWake(wake)
    }
}

impl Default for Bell {
    fn default() -> Bell {
        Bell::new()
    }
}

#[cfg(not(shardcast_loom))]
mod sync {
    pub(super) use crossbeam_queue::SegQueue as Items;
    pub(super) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
}

/// Under loom, crossbeam's queue (whose authors test it) is a locked one; the bell, the counts and
/// the protocol around them are what is explored.
#[cfg(shardcast_loom)]
mod sync {
    use std::collections::VecDeque;

    use loom::sync::Mutex;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

    pub(super) struct Items<T>(Mutex<VecDeque<T>>);

    impl<T> Items<T> {
        pub(super) fn new() -> Items<T> {
            Items(Mutex::new(VecDeque::new()))
        }

        pub(super) fn push(&self, item: T) {
            self.0.lock().expect("no test panics inside").push_back(item);
        }

        pub(super) fn pop(&self) -> Option<T> {
            self.0.lock().expect("no test panics inside").pop_front()
        }

        pub(super) fn is_empty(&self) -> bool {
            self.0.lock().expect("no test panics inside").is_empty()
        }
    }
}

#[cfg(all(test, not(shardcast_loom)))]
mod tests;

#[cfg(all(test, shardcast_loom))]
mod loom_tests;
