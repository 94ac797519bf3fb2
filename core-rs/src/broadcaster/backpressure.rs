//! Messages to one client alone, and what the application learns of those that wait.
//!
//! The sequencer never waits for a worker to write, so it knows a socket's state late. What an
//! application relies on holds nevertheless, as with Bun:
//!
//! - No message is refused but directly after one that was answered with [`Sent::Backpressure`].
//! - Whatever showed backpressure (an amount above 0, `Backpressure`, a refusal) is followed by one
//!   `Drained`, once the client has taken all that waits. The command for it goes through the
//!   worker's queue, behind the messages that it is about, so that no drain is missed.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::worker::client::Pressure;

/// What an empty socket takes at once: the largest send buffer that Linux gives by default
/// (`tcp_wmem`). While a client's socket is not known to be full, so much may wait for its worker
/// without a sign of backpressure, and beyond the limit: Bun would have written it already.
const UNTRIED_BYTES: usize = 4 * 1024 * 1024;

/// What became of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It waits: the client's socket refuses bytes, or would not take so many.
    Backpressure,
    /// It was dropped: the client is gone, or lets too much wait.
    Dropped,
}

/// What waits for one client alone.
pub(super) struct Backpressure {
    pressure: Arc<Pressure>,
    /// Its worker will emit a `Drained`, which has not come yet.
    awaits_drain: bool,
    /// The last message to it alone was answered with [`Sent::Backpressure`]: only then may the
    /// next be refused.
    answered_backpressure: bool,
}

impl Backpressure {
    /// That of a client for which nothing waits. Its worker has the other half of `pressure`.
    pub(super) fn new(pressure: Arc<Pressure>) -> Backpressure {
        Backpressure { pressure, awaits_drain: false, answered_backpressure: false }
    }

    /// Counts a message of so many bytes, unless more than `limit` bytes wait before it.
    pub(super) fn count(&mut self, bytes: usize, limit: usize) -> Sent {
        // The worker may write meanwhile, so that both are at worst too high: `Relaxed` is enough,
        // for an answer of `Backpressure` or `Dropped` that was true a moment ago is followed by a
        // drain.
        let full = self.pressure.refused.load(Ordering::Relaxed);
        let waiting = self.waiting_bytes();
        let limit = if full { limit } else { limit.saturating_add(UNTRIED_BYTES) };
        // Of any length: what counts is what waits before it, as with Bun. That the socket is full
        // may become known between two messages; then the answer to this one says so.
        if waiting > limit && self.answered_backpressure {
            return Sent::Dropped;
        }
        let waiting = self.pressure.direct_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.answered_backpressure = full || waiting > UNTRIED_BYTES;
        if self.answered_backpressure { Sent::Backpressure } else { Sent::Queued }
    }

    /// Bytes that wait for the client.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.pressure.direct_bytes.load(Ordering::Relaxed)
    }

    /// The application waits for a drain; returns whether the worker has to be asked for it, which
    /// happens once until the drain: an application that sends in a loop must not fill the worker's
    /// queue.
    pub(super) fn await_drain(&mut self) -> bool {
        !mem::replace(&mut self.awaits_drain, true)
    }

    /// The client has taken all that waited.
    pub(super) fn drained(&mut self) {
        self.awaits_drain = false;
    }
}
