//! What one client has still to be sent: bytes of its own first, then its cohort's log from its
//! cursor.
//!
//! Nearly always there are no bytes of its own, and a client is just the cursor. What is for
//! it alone must come after the broadcasts before it, so that adding such bytes first copies what
//! the client has not read of the log ([`Backlog::detach`]); then the order is plain.

mod kind;
mod outbox;

use std::sync::Arc;

use crate::worker::client::delivery_counts::{DeliveryCounts, Dropped};
use crate::worker::client::missed::Missed;
use crate::worker::cohort::log::{Cursor, Lag, Log};

pub use self::kind::{Completed, Kind};

use self::outbox::Outbox;

/// See the module's description. What a pass looks at comes first, as in the client.
#[derive(Default)]
#[repr(C)]
pub struct Backlog {
    outbox: Option<Box<Outbox>>,
    cursor: Cursor,
    delivered: u64,
    /// Sequence number from which on the log's messages are expected and not in
    /// `expected`.
    uncounted: u64,
    /// Messages expected to reach the client, see [`DeliveryCounts`].
    expected: u64,
    /// Messages that it skipped for being slow.
    skipped: u64,
    /// Messages that it was behind by when it had to leave for being slow.
    cleared: u64,
}

impl Backlog {
    /// Bytes at its start that a pass looks at.
    #[cfg(not(debug_assertions))]
    pub(crate) const LOOKED_AT_BYTES: usize = std::mem::offset_of!(Backlog, uncounted);

    /// Where the client stands in its cohort's log.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Goes on in this log with its next message, and never reads what stands before it. What the
    /// client had not read of its log so far must be detached, or it is lost.
    pub fn follow(&mut self, log: &Log) {
        self.cursor = log.head();
        self.uncounted = log.next_sequence();
    }

    /// True when all was written.
    pub fn is_empty(&self, log: &Log) -> bool {
        self.outbox.is_none() && self.cursor == log.head()
    }

    /// The next bytes to write; empty when there are none.
    pub fn unwritten<'a>(&'a self, log: &'a Log) -> &'a [u8] {
        match &self.outbox {
            Some(outbox) => outbox.unwritten(),
            None => log.unread(self.cursor),
        }
    }

    /// Notes that the first `bytes` of [`Backlog::unwritten`] were written.
    pub fn wrote(&mut self, bytes: usize, log: &Log) -> Completed {
        let completed = match &mut self.outbox {
            None => {
                let messages = log.advance(&mut self.cursor, bytes);
                Completed { messages, direct_bytes: 0 }
            }
            Some(outbox) => {
                let completed = outbox.wrote(bytes);
                if outbox.unwritten().is_empty() {
                    self.outbox = None;
                }
                completed
            }
        };
        self.delivered += completed.messages;
        completed
    }

    /// Makes the unread rest of the log private, so that private bytes can follow it.
    pub fn detach(&mut self, log: &Log) {
        self.count_expected(log);
        if self.cursor == log.head() {
            return;
        }
        let cursor = self.cursor;
        let outbox = self.outbox_at(log);
        for (channel, bytes) in log.unread_messages(cursor) {
            outbox.push(Kind::Published(Arc::clone(channel)), bytes);
        }
        self.cursor = log.head();
    }

    /// Adds a frame for this client alone, after all that came before it.
    pub fn push(&mut self, kind: Kind, frame: &[u8], log: &Log) {
        self.detach(log);
        self.expected += u64::from(kind.is_message());
        self.outbox_at(log).push(kind, frame);
    }

    /// Begins with the rest of what was begun before there was a backlog: nothing may come in
    /// between.
    pub fn begin_with(&mut self, rest: &[u8]) {
        let mut outbox = Outbox::new(true);
        outbox.push(Kind::Control, rest);
        self.outbox = Some(Box::new(outbox));
    }

    /// Bytes that wait, of whatever kind.
    pub fn unwritten_bytes(&self, log: &Log) -> u64 {
        let private = self.outbox.as_ref().map_or(0, |outbox| outbox.unwritten().len());
        private as u64 + log.lag(self.cursor).bytes
    }

    /// What waits of published messages.
    pub fn lag(&self, log: &Log) -> Lag {
        let mut lag = log.lag(self.cursor);
        if let Some(outbox) = &self.outbox {
            lag.messages += outbox.published().messages;
            lag.bytes += outbox.published().bytes;
        }
        lag
    }

    /// Messages that wait, published and direct.
    pub fn messages(&self, log: &Log) -> u64 {
        let private = self.outbox.as_ref().map_or(0, |outbox| outbox.messages());
        private + log.lag(self.cursor).messages
    }

    /// All that waits, published and direct, and the bytes of it that are still to be written.
    pub fn waiting(&self, log: &Log) -> Lag {
        let private = self.outbox.as_ref().map_or(0, |outbox| outbox.unwritten().len());
        Lag { messages: self.messages(log), bytes: private as u64 + log.lag(self.cursor).bytes }
    }

    /// The delivery counts of the client so far.
    pub fn delivery_counts(&self, log: &Log) -> DeliveryCounts {
        DeliveryCounts {
            expected: self.expected + (log.next_sequence() - self.uncounted),
            delivered: self.delivered,
            dropped: Dropped { skipped: self.skipped, slow: self.cleared, ..Dropped::default() },
            pending: self.messages(log),
        }
    }

    /// Jumps to the head of the log, and adds the published messages that it left out to `missed`;
    /// returns their number. A message that was begun is kept, for a frame cannot be left
    /// half-sent, and so is all that is private.
    pub fn skip(&mut self, log: &Log, missed: &mut Option<Box<Missed>>) -> u64 {
        let skipped = self.drop_unsent(log, |channel| {
            channel.inspect(|channel| missed.get_or_insert_default().add(channel)).is_some()
        });
        self.skipped += skipped;
        skipped
    }

    /// Drops all but the frame that was begun, because the client was too slow and has to leave.
    /// Returns the messages that were left out.
    pub fn clear(&mut self, log: &Log) -> u64 {
        let cleared = self.drop_unsent(log, |_| true);
        self.cleared += cleared;
        cleared
    }

    /// Drops frames that were not begun: all of the log's, and the private ones to which `drops`
    /// says yes. It is asked about every frame by its channel, `None` for what was not published.
    fn drop_unsent(&mut self, log: &Log, mut drops: impl FnMut(Option<&Arc<str>>) -> bool) -> u64 {
        let before = self.messages(log);
        if let Some(outbox) = &mut self.outbox {
            outbox.retain(|kind| !drops(kind.channel()));
        }
        let begun = log.begun(self.cursor);
        let mut unread = log.unread_messages(self.cursor);
        if !begun.is_empty() {
            let (channel, _) = unread.next().expect("it is unread");
            self.outbox_at(log).push(Kind::Published(Arc::clone(channel)), begun);
        }
        unread.for_each(|(channel, _)| assert!(drops(Some(channel)), "the log is left as it is"));
        self.count_expected(log);
        self.cursor = log.head();
        if self.outbox.as_ref().is_some_and(|outbox| outbox.unwritten().is_empty()) {
            self.outbox = None;
        }
        before - self.messages(log)
    }

    /// Counts what the log has brought since it was last counted.
    fn count_expected(&mut self, log: &Log) {
        self.expected += log.next_sequence() - self.uncounted;
        self.uncounted = log.next_sequence();
    }

    /// The outbox, to take what the cursor stands before. A message that was begun in the log comes
    /// first in it: while there is an outbox, nothing of the log is written.
    fn outbox_at(&mut self, log: &Log) -> &mut Outbox {
        let begun = !log.begun(self.cursor).is_empty();
        self.outbox.get_or_insert_with(|| Box::new(Outbox::new(begun)))
    }
}

#[cfg(test)]
mod tests;
