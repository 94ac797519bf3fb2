//! The clients of one worker that hear the same channels, in the same form, and the one log they
//! all read.

pub mod log;
pub mod members;
pub mod prefetch;

use std::time::Instant;

use crate::frame::compression::Compression;
use crate::ids::{Channel, ChannelId};
use crate::worker::client::ClientIndex;
use crate::worker::cohort::log::{Cursor, Log};
use crate::worker::cohort::members::{Reseated, Roster};
use crate::worker::delivery_times::Waiting;

/// Where a worker keeps a cohort. Free again when its last client has left.
pub type CohortIndex = usize;

/// The cohort of the clients that hear nothing. It always exists, and its log stays empty.
pub const SILENT: CohortIndex = 0;

/// A cohort. Its clients differ only in their cursors.
pub struct Cohort {
    /// How its clients take their messages.
    compression: Compression,
    log: Log,
    roster: Roster,
    /// The oldest cursor seen in this pass: when the pass ends, everyone has read up to here.
    oldest: Cursor,
    /// The worker has a pass over this cohort on its list.
    scheduled: bool,
    /// What the next pass will carry, and what the one under way does.
    waiting: Waiting,
    carried: Waiting,
}

impl Cohort {
    /// A cohort without members.
    pub fn new(compression: Compression, channels: Box<[Channel]>) -> Cohort {
        Cohort {
            compression,
            log: Log::new(channels),
            roster: Roster::default(),
            oldest: Cursor::default(),
            scheduled: false,
            waiting: Waiting::default(),
            carried: Waiting::default(),
        }
    }

    /// What its clients are subscribed to, sorted.
    pub fn channels(&self) -> &[Channel] {
        self.log.channels()
    }

    /// How its clients take their messages.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The log that all members read.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Number of clients.
    pub fn len(&self) -> usize {
        self.roster.len()
    }

    /// Its clients.
    pub fn members(&self) -> &[ClientIndex] {
        self.roster.members()
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.roster.is_empty()
    }

    /// Adds a message for all members: one copy, whatever their number.
    pub fn append(&mut self, frame: &[u8], channel: ChannelId, published_at: Instant) {
        self.waiting.add(published_at);
        self.log.append(frame, channel);
    }

    /// Notes that a pass is wanted; true when none was yet.
    pub fn schedule(&mut self) -> bool {
        !std::mem::replace(&mut self.scheduled, true)
    }

    /// True when a pass is wanted.
    pub fn is_scheduled(&self) -> bool {
        self.scheduled
    }

    /// Starts the pass that was scheduled.
    pub fn begin_pass(&mut self) {
        self.scheduled = false;
        self.carried = std::mem::take(&mut self.waiting);
        self.oldest = self.log.head();
        self.roster.begin_pass();
    }

    /// The next member to visit; `None` when the pass is over.
    pub fn next_in_pass(&mut self) -> Option<ClientIndex> {
        self.roster.next_in_pass()
    }

    /// The member that is visited next, if the pass goes on that long.
    pub fn upcoming(&self) -> Option<ClientIndex> {
        self.roster.upcoming()
    }

    /// Notes where a visited member stands now.
    pub fn visited(&mut self, cursor: Cursor) {
        self.oldest = self.oldest.min(cursor);
    }

    /// Ends the pass: forgets what all members have read. Returns what it carried.
    pub fn end_pass(&mut self) -> Waiting {
        if !self.roster.in_pass() {
            self.log.release(self.oldest, self.roster.len());
            if self.log.is_empty() {
                self.roster.rotate();
            }
        }
        std::mem::take(&mut self.carried)
    }

    /// Adds a client, which stands at the head; returns its seat.
    pub fn join(&mut self, client: ClientIndex) -> usize {
        self.roster.join(client)
    }

    /// Removes the client in `seat`.
    pub fn leave(&mut self, seat: usize) -> Option<Reseated> {
        self.roster.leave(seat)
    }
}
