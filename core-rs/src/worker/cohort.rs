//! The clients of one worker with the same channels, in the same form, and the one log that they
//! all read.

pub mod log;
pub mod members;
pub mod prefetch;

use std::time::Instant;

use crate::frame::form::Form;
use crate::ids::{Channel, ChannelId, ClientIndex};
use crate::worker::cohort::log::{Cursor, Log};
use crate::worker::cohort::members::{Members, Moved};
use crate::worker::delivery_times::PassLoad;

/// A cohort. Its clients differ only in their cursors.
pub struct Cohort {
    /// How its clients take their messages.
    form: Form,
    log: Log,
    members: Members,
    /// The oldest cursor seen in this pass: when the pass ends, all members have read up to here.
    oldest: Cursor,
    /// The worker has a pass over this cohort on its list.
    scheduled: bool,
    /// What the next pass will carry, and what the one under way does.
    waiting: PassLoad,
    carried: PassLoad,
}

impl Cohort {
    /// A cohort without members.
    pub fn new(form: Form, channels: Box<[Channel]>) -> Cohort {
        Cohort {
            form,
            log: Log::new(channels),
            members: Members::default(),
            oldest: Cursor::default(),
            scheduled: false,
            waiting: PassLoad::default(),
            carried: PassLoad::default(),
        }
    }

    /// What its clients are subscribed to, sorted.
    pub fn channels(&self) -> &[Channel] {
        self.log.channels()
    }

    /// How its clients take their messages.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The log that all members read.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Number of clients.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Its clients.
    pub fn members(&self) -> &[ClientIndex] {
        self.members.as_slice()
    }

    /// True without clients.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
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
        self.members.begin_pass();
    }

    /// The next member to visit; `None` when the pass is over.
    pub fn next_in_pass(&mut self) -> Option<ClientIndex> {
        self.members.next_in_pass()
    }

    /// The member that is visited next, if the pass goes on that long.
    pub fn upcoming(&self) -> Option<ClientIndex> {
        self.members.upcoming()
    }

    /// Notes where a visited member stands now.
    pub fn visited(&mut self, cursor: Cursor) {
        self.oldest = self.oldest.min(cursor);
    }

    /// Ends the pass: forgets what all members have read. Returns what it carried.
    pub fn end_pass(&mut self) -> PassLoad {
        if !self.members.in_pass() {
            self.log.release(self.oldest, self.members.len());
            if self.log.is_empty() {
                self.members.rotate();
            }
        }
        std::mem::take(&mut self.carried)
    }

    /// Adds a client, which stands at the head; returns its position.
    pub fn join(&mut self, client: ClientIndex) -> usize {
        self.members.join(client)
    }

    /// Removes the client in `position`.
    pub fn leave(&mut self, position: usize) -> Option<Moved> {
        self.members.leave(position)
    }
}
