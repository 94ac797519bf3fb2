//! What one client has still to be sent: bytes of its own first, then its cohort's log from its cursor.
//!
//! Nearly always there are no bytes of its own, and a client is just the cursor. What is meant for it
//! alone must come after the broadcasts before it, so whoever adds such bytes first copies what the
//! client has not read of the log ([`Backlog::detach`]); then the order is plain.

mod outbox;

use crate::log::{Cursor, Lag, Log};
use crate::routes::ChannelId;

use self::outbox::Outbox;

/// What a stretch of private bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A published message, copied from a log. It counts as a delivery, and it may be skipped.
    Published(ChannelId),
    /// A message to this client alone. It counts as a delivery.
    Direct,
    /// A ping, pong or close frame, which counts as nothing.
    Control,
}

impl Kind {
    fn is_published(self) -> bool {
        matches!(self, Kind::Published(_))
    }

    fn is_message(self) -> bool {
        self != Kind::Control
    }
}

/// Messages of a backlog that a write completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// Messages, published and direct.
    pub messages: u64,
    /// Bytes of the direct ones.
    pub direct_bytes: usize,
}

/// See the module's description.
#[derive(Default)]
pub struct Backlog {
    outbox: Option<Box<Outbox>>,
    cursor: Cursor,
}

impl Backlog {
    /// Where the client stands in its cohort's log.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Goes on in this log with its next message, and never reads what stands before it. What the
    /// client had not read of its log so far must be detached, or it is lost.
    pub fn follow(&mut self, log: &Log) {
        self.cursor = log.head();
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
        let Some(outbox) = &mut self.outbox else {
            let messages = log.advance(&mut self.cursor, bytes);
            return Completed { messages, direct_bytes: 0 };
        };
        let completed = outbox.wrote(bytes);
        if outbox.unwritten().is_empty() {
            self.outbox = None;
        }
        completed
    }

    /// Makes the unread rest of the log private, so that private bytes can follow it.
    pub fn detach(&mut self, log: &Log) {
        if self.cursor == log.head() {
            return;
        }
        let cursor = self.cursor;
        let outbox = self.outbox_at(log);
        for (channel, bytes) in log.unread_messages(cursor) {
            outbox.push(Kind::Published(channel), bytes);
        }
        self.cursor = log.head();
    }

    /// Adds a frame for this client alone, after all that came before it.
    pub fn push(&mut self, kind: Kind, frame: &[u8], log: &Log) {
        self.detach(log);
        self.outbox_at(log).push(kind, frame);
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

    /// Jumps to the head of the log and returns the published messages that were left out. A message
    /// that was begun is kept, for a frame cannot be left half-sent, and so is all that is private.
    pub fn skip(&mut self, log: &Log) -> u64 {
        self.retain(log, |kind| !kind.is_published())
    }

    /// Drops all but the frame that was begun and returns the messages that were left out.
    pub fn clear(&mut self, log: &Log) -> u64 {
        self.retain(log, |_| false)
    }

    fn retain(&mut self, log: &Log, keep: impl Fn(Kind) -> bool) -> u64 {
        let before = self.messages(log);
        let begun = log.begun(self.cursor);
        if !begun.is_empty() {
            let (channel, _) = log.unread_messages(self.cursor).next().expect("it is unread");
            self.outbox_at(log).push(Kind::Published(channel), begun);
        }
        self.cursor = log.head();
        if let Some(outbox) = &mut self.outbox {
            outbox.retain(keep);
            if outbox.unwritten().is_empty() {
                self.outbox = None;
            }
        }
        before - self.messages(log)
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
