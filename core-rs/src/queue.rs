//! The queue in front of each worker, and the bell by which a sleeping consumer is woken.
//!
//! Many threads push (the sequencer, and the door with sockets), one pops. Items come out in the
//! order in which they went in. Items that count, which are messages, are refused past a limit
//! ([`Queue::try_push`]); the others, which are commands, never are.

use std::fmt;

use self::sync::{AtomicBool, AtomicU64, Items, Ordering, fence};

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

/// What goes into a [`Queue`].
pub trait QueueItem {
    /// Bytes of a message. `None` for what does not count.
    fn bytes(&self) -> Option<usize>;
}

/// A lock-free queue of many producers and one consumer.
pub struct Queue<T> {
    items: Items<T>,
    /// Producers add before they push, the consumer subtracts.
    waiting: PackedCounts,
    limits: QueueLimits,
    bell: Bell,
}

/// How many messages wait, and how many bytes of them: in one word, so that both are counted at
/// once.
struct PackedCounts(AtomicU64);

impl PackedCounts {
    const BYTES_BITS: u32 = 39;
    const MESSAGES_BITS: u32 = u64::BITS - PackedCounts::BYTES_BITS;

    /// Whether what these limits let in can be counted, and as much again that passes them.
    fn can_count(limits: QueueLimits) -> bool {
        let half = |bits: u32| 1_u64 << (bits - 1);
        (limits.messages as u64) < half(PackedCounts::MESSAGES_BITS)
            && (limits.bytes as u64) < half(PackedCounts::BYTES_BITS)
    }

    fn message_of(bytes: usize) -> u64 {
        (1 << PackedCounts::BYTES_BITS) + bytes as u64
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(PackedCounts::message_of(bytes), Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(PackedCounts::message_of(bytes), Ordering::Relaxed);
    }

    /// In the shape of the limits that they are held against.
    fn get(&self) -> QueueLimits {
        let word = self.0.load(Ordering::Relaxed);
        let bytes = word & ((1 << PackedCounts::BYTES_BITS) - 1);
        QueueLimits { messages: (word >> PackedCounts::BYTES_BITS) as usize, bytes: bytes as usize }
    }
}

/// Whether a producer must wake the consumer, which sleeps or is about to.
#[must_use = "a sleeping consumer is not woken by the queue itself"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MustWake(pub bool);

impl<T: QueueItem> Queue<T> {
    /// An empty queue whose consumer is awake.
    ///
    /// # Panics
    ///
    /// When the limits are 2²⁴ messages, 2³⁸ bytes, or more: that could not be counted.
    pub fn new(limits: QueueLimits) -> Queue<T> {
        assert!(PackedCounts::can_count(limits), "{limits:?} are too high");
        Queue {
            items: Items::new(),
            waiting: PackedCounts(AtomicU64::new(0)),
            limits,
            bell: Bell::new(),
        }
    }

    /// Adds an item, full or not.
    pub fn push(&self, item: T) -> MustWake {
        self.add(item);
        self.bell.ring()
    }

    /// Adds an item if there is room. [`ring_all`] is to follow.
    ///
    /// # Errors
    ///
    /// Hands the item back when the queue is full.
    pub fn try_push(&self, item: T) -> Result<(), T> {
        // One producer pushes messages, so that the limits hold exactly: between this look and the
        // addition below the counts can only fall.
        if self.is_past(self.limits) {
            return Err(item);
        }
        self.add(item);
        Ok(())
    }

    fn add(&self, item: T) {
        if let Some(bytes) = item.bytes() {
            self.waiting.add(bytes);
        }
        self.items.push(item);
    }

    /// Takes the oldest item. For the consumer alone.
    pub fn pop(&self) -> Option<T> {
        let item = self.items.pop()?;
        if let Some(bytes) = item.bytes() {
            self.waiting.subtract(bytes);
        }
        Some(item)
    }

    /// Announces that the consumer will sleep. False when it must not, because something waits.
    ///
    /// After true, the next push asks its thread to wake it; [`Queue::awake`] ends that.
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
        self.waiting.get().messages
    }

    /// Bytes of messages that wait.
    pub fn bytes(&self) -> usize {
        self.waiting.get().bytes
    }

    /// True when as much waits as `limit` says, or more, in messages or in bytes.
    pub fn is_past(&self, limit: QueueLimits) -> bool {
        let waiting = self.waiting.get();
        waiting.messages >= limit.messages || waiting.bytes >= limit.bytes
    }

    /// How full the queue is, from 0 to 1 (and a little over, by one large message).
    pub fn load(&self) -> f64 {
        let waiting = self.waiting.get();
        let messages = waiting.messages as f64 / self.limits.messages as f64;
        let bytes = waiting.bytes as f64 / self.limits.bytes as f64;
        messages.max(bytes)
    }
}

impl<T: QueueItem> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("messages", &self.messages()).finish_non_exhaustive()
    }
}

/// Rings the bells of queues, after what was pushed to them, with one fence for all. Yields whose
/// consumer must be woken.
pub fn ring_all<'a, T: 'a, W>(
    queues: impl Iterator<Item = (W, &'a Queue<T>)>,
) -> impl Iterator<Item = W> {
    Bell::fence();
    queues.filter(|(_, queue)| queue.bell.ring_after_fence().0).map(|(whose, _)| whose)
}

/// Wakes a consumer only when it sleeps, since waking costs a system call.
///
/// The consumer arms the bell, looks whether something waits, and only then sleeps. A producer
/// pushes, and then rings. Each writes one thing and then reads the other's: with the sequentially
/// consistent fences between, at least one of them sees what the other wrote, so nothing waits
/// beside a sleeper.
#[derive(Debug)]
pub struct Bell {
    /// Set by the consumer before it sleeps; cleared by the first thread that rings, or by the
    /// consumer.
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
        // Pairs with `Bell::fence`: the look that follows sees the item, or the ring sees
        // this.
        fence(Ordering::SeqCst);
    }

    /// For the consumer: it is awake.
    pub fn disarm(&self) {
        self.armed.store(false, Ordering::Relaxed);
    }

    /// For a producer, after it has pushed.
    pub fn ring(&self) -> MustWake {
        Bell::fence();
        self.ring_after_fence()
    }

    /// Between the pushes of a producer and its rings.
    fn fence() {
        // Pairs with the fence in `arm`.
        fence(Ordering::SeqCst);
    }

    fn ring_after_fence(&self) -> MustWake {
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
    pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
}

/// Under loom, crossbeam's queue (whose authors test it) is a locked one; the bell, the counts and
/// the protocol around them are what is explored.
#[cfg(shardcast_loom)]
mod sync {
    use std::collections::VecDeque;

    use loom::sync::Mutex;
    use loom::sync::atomic::AtomicUsize;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

    pub(super) struct Items<T> {
        items: Mutex<VecDeque<T>>,
        /// A look at the lock would order what the bell's fences have to.
        len: AtomicUsize,
    }

    impl<T> Items<T> {
        pub(super) fn new() -> Items<T> {
            Items { items: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
        }

        pub(super) fn push(&self, item: T) {
            self.items.lock().expect("no test panics inside").push_back(item);
            self.len.fetch_add(1, Ordering::Relaxed);
        }

        pub(super) fn pop(&self) -> Option<T> {
            if self.is_empty() {
                return None;
            }
            self.len.fetch_sub(1, Ordering::Relaxed);
            self.items.lock().expect("no test panics inside").pop_front()
        }

        pub(super) fn is_empty(&self) -> bool {
            self.len.load(Ordering::Relaxed) == 0
        }
    }
}

#[cfg(all(test, not(shardcast_loom)))]
mod tests;

#[cfg(all(test, shardcast_loom))]
mod loom_tests;
