//! A cohort's log: encoded frames in publish order, one copy for all the clients that read it.
//!
//! Positions count bytes, and sequence numbers count messages, since the log began; neither ever
//! goes back. What every reader has passed is released. The live bytes are contiguous, so what
//! a reader has not read is one slice, and goes out in one write.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::{Channel, ChannelId};

/// Capacity in bytes that an empty log keeps for its next messages.
const IDLE_CAPACITY: usize = 16 * 1024;
/// The same for each of its readers, where they are few: a worker may have as many logs as clients.
const IDLE_CAPACITY_PER_READER: usize = 512;
/// A log that has not grown beyond so many times that keeps what it has.
const KEPT_CAPACITIES: usize = 4;

/// How far a reader has come. The lesser of two is further behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Position of the next byte to read.
    position: u64,
    /// Sequence number of the message that byte belongs to.
    sequence: u64,
}

/// What lies between a cursor and the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Messages of which at least one byte is unread.
    pub messages: u64,
    /// Unread bytes.
    pub bytes: u64,
}

impl Lag {
    /// More than any reader can lag.
    pub const MAX: Lag = Lag { messages: u64::MAX, bytes: u64::MAX };

    /// The lesser of both, in messages and in bytes.
    pub fn least(self, other: Lag) -> Lag {
        Lag { messages: self.messages.min(other.messages), bytes: self.bytes.min(other.bytes) }
    }

    /// Whether this is within `limit` beyond `lag_allowance`.
    pub fn is_within(self, limit: Lag, lag_allowance: Lag) -> bool {
        self.messages <= limit.messages.saturating_add(lag_allowance.messages)
            && self.bytes <= limit.bytes.saturating_add(lag_allowance.bytes)
    }
}

#[derive(Clone, Copy)]
struct LogEntry {
    /// Position just past the message.
    end: u64,
    /// Which of the log's channels.
    channel: usize,
}

/// The log. See the module's description.
#[derive(Default)]
pub struct Log {
    /// Whose messages it holds, sorted. They keep their names here until all have been read.
    channels: Box<[Channel]>,
    /// Released bytes that a compaction will reclaim, and then the live ones.
    bytes: Vec<u8>,
    /// Position of the first byte of `bytes`.
    base: u64,
    /// Position of the first live byte, where the first of `entries` starts.
    start: u64,
    /// The live messages.
    entries: VecDeque<LogEntry>,
    /// Sequence number of the first of `entries`.
    first: u64,
}

impl Log {
    /// An empty log for the messages of these channels, which are sorted.
    pub fn new(channels: Box<[Channel]>) -> Log {
        Log { channels, ..Log::default() }
    }

    /// The channels whose messages it holds, sorted.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Sequence number of the next message.
    pub fn next_sequence(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// The cursor of a reader that starts with the next message.
    pub fn head(&self) -> Cursor {
        Cursor { position: self.base + self.bytes.len() as u64, sequence: self.next_sequence() }
    }

    /// Adds a message of one of its channels.
    pub fn append(&mut self, frame: &[u8], channel: ChannelId) {
        let channel = self
            .channels
            .binary_search_by_key(&channel, |channel| channel.id)
            .expect("a log has the channels of its cohort");
        self.bytes.extend_from_slice(frame);
        self.entries.push_back(LogEntry { end: self.head().position, channel });
    }

    /// All that the reader has not read.
    pub fn unread(&self, cursor: Cursor) -> &[u8] {
        &self.bytes[(cursor.position - self.base) as usize..]
    }

    /// The rest of the message in which the cursor stands; empty between two messages.
    pub fn begun(&self, cursor: Cursor) -> &[u8] {
        if cursor.position == self.start_of(cursor.sequence) {
            return &[];
        }
        let unread = self.unread(cursor);
        &unread[..(self.entry(cursor.sequence).end - cursor.position) as usize]
    }

    /// Moves the cursor over `bytes` and returns the number of messages it completed.
    pub fn advance(&self, cursor: &mut Cursor, bytes: usize) -> u64 {
        let position = cursor.position + bytes as u64;
        let head = self.head();
        let before = cursor.sequence;
        cursor.sequence = if position == head.position {
            head.sequence
        } else {
            // Only a short write ends up here.
            let skipped = (before - self.first) as usize;
            let complete = self.entries.range(skipped..).take_while(|entry| entry.end <= position);
            before + complete.count() as u64
        };
        cursor.position = position;
        cursor.sequence - before
    }

    /// How far the reader lags.
    pub fn lag(&self, cursor: Cursor) -> Lag {
        let head = self.head();
        Lag { messages: head.sequence - cursor.sequence, bytes: head.position - cursor.position }
    }

    /// The unread messages, oldest first: the channel, and the bytes of it that are unread.
    pub fn unread_messages(&self, cursor: Cursor) -> impl Iterator<Item = (&Arc<str>, &[u8])> {
        let mut start = cursor.position;
        let skipped = (cursor.sequence - self.first) as usize;
        self.entries.range(skipped..).map(move |entry| {
            let range = (start - self.base) as usize..(entry.end - self.base) as usize;
            start = entry.end;
            (&self.channels[entry.channel].name, &self.bytes[range])
        })
    }

    /// Forgets the messages before the cursor's own: none of the `readers` is behind it.
    pub fn release(&mut self, cursor: Cursor, readers: usize) {
        self.start = self.start_of(cursor.sequence);
        self.entries.drain(..(cursor.sequence - self.first) as usize);
        self.first = cursor.sequence;
        let released = (self.start - self.base) as usize;
        if released == self.bytes.len() {
            self.base = self.start;
            self.bytes.clear();
            let capacity = IDLE_CAPACITY.min(IDLE_CAPACITY_PER_READER.saturating_mul(readers));
            self.give_back(capacity);
        } else if released > self.bytes.len() / 2 {
            // Moving the smaller half is paid for by the bytes that were appended since.
            self.bytes.drain(..released);
            self.base = self.start;
        }
    }

    /// Gives back what an empty log has grown beyond `capacity`. A little more is kept, or messages
    /// that need it would have it grow each time.
    fn give_back(&mut self, capacity: usize) {
        if self.bytes.capacity() > capacity * KEPT_CAPACITIES {
            self.bytes.shrink_to(capacity);
        }
        let entries = capacity / size_of::<LogEntry>();
        if self.entries.capacity() > entries * KEPT_CAPACITIES {
            self.entries.shrink_to(entries);
        }
    }

    /// True when nothing is kept for any reader.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn entry(&self, sequence: u64) -> LogEntry {
        self.entries[(sequence - self.first) as usize]
    }

    /// Position at which a live message, or the next one, starts.
    fn start_of(&self, sequence: u64) -> u64 {
        match (sequence - self.first).checked_sub(1) {
            Some(before) => self.entries[before as usize].end,
            None => self.start,
        }
    }
}
