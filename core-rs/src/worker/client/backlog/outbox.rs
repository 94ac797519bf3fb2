//! The private bytes of one backlog.

use std::collections::VecDeque;

use crate::worker::cohort::log::Lag;

use super::kind::{Completed, Kind};

/// Frames that only one client is to get. It exists only while there are some.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Position of the first of `bytes`; what lies before was written and reclaimed.
    base: usize,
    /// Position of the next byte to write.
    written: usize,
    /// Position at which the first of `frames` starts.
    start: usize,
    frames: VecDeque<OutboxFrame>,
    /// The first of `frames` is the rest of one whose beginning was written from elsewhere.
    begun_elsewhere: bool,
    /// The part of `frames` that are published messages.
    published: Lag,
    /// Number of `frames` that are messages, published or direct.
    messages: u64,
}

struct OutboxFrame {
    kind: Kind,
    /// Position just past the frame.
    end: usize,
    /// Its bytes when it came in. Of one that was begun, [`Outbox::retain`] keeps fewer.
    length: usize,
}

impl Outbox {
    /// An empty outbox. With `begun_elsewhere`, its first frame is the rest of one that was begun.
    pub(super) fn new(begun_elsewhere: bool) -> Outbox {
        Outbox {
            bytes: Vec::new(),
            base: 0,
            written: 0,
            start: 0,
            frames: VecDeque::new(),
            begun_elsewhere,
            published: Lag::default(),
            messages: 0,
        }
    }

    pub(super) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written - self.base..]
    }

    pub(super) fn push(&mut self, kind: Kind, frame: &[u8]) {
        self.reclaim();
        self.add(kind, frame, frame.len());
    }

    fn add(&mut self, kind: Kind, rest: &[u8], length: usize) {
        self.bytes.extend_from_slice(rest);
        if kind.is_published() {
            self.published.messages += 1;
            self.published.bytes += length as u64;
        }
        self.messages += u64::from(kind.is_message());
        self.frames.push_back(OutboxFrame { kind, end: self.base + self.bytes.len(), length });
    }

    pub(super) fn wrote(&mut self, bytes: usize) -> Completed {
        let from = self.written;
        self.written += bytes;
        let mut completed = Completed::default();
        while let Some(frame) = self.frames.front() {
            if frame.kind.is_direct() {
                let end = frame.end.min(self.written);
                completed.direct_bytes += end - from.max(self.start);
            }
            if frame.end > self.written {
                break;
            }
            if frame.kind.is_published() {
                self.published.messages -= 1;
                self.published.bytes -= frame.length as u64;
            }
            self.messages -= u64::from(frame.kind.is_message());
            completed.messages += u64::from(frame.kind.is_message());
            self.start = frame.end;
            self.begun_elsewhere = false;
            self.frames.pop_front();
        }
        completed
    }

    /// Published messages of which bytes wait. The bytes are those of the whole frames.
    pub(super) fn published(&self) -> Lag {
        self.published
    }

    /// Messages, published or direct, of which bytes wait.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// Keeps the frame that was begun, and those of the kinds that `keep` names.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Kind) -> bool) {
        let begun = self.begun_elsewhere || self.written > self.start;
        let mut kept = Outbox::new(begun);
        let mut start = self.written;
        for (number, frame) in self.frames.iter().enumerate() {
            if (number == 0 && begun) || keep(&frame.kind) {
                let rest = &self.bytes[start - self.base..frame.end - self.base];
                kept.add(frame.kind.clone(), rest, frame.length);
            }
            start = frame.end;
        }
        *self = kept;
    }

    /// Gives back the space of what was written, once it is most of the buffer.
    fn reclaim(&mut self) {
        let written = self.written - self.base;
        if written > self.bytes.len() / 2 {
            self.bytes.drain(..written);
            self.base = self.written;
        }
    }
}
