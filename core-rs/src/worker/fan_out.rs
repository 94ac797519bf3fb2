//! From a published message to the sockets: one append a cohort, then a pass over its clients.
//!
//! A pass is cut into slices, so that reads, pings and commands never wait for ten thousand writes.
//! When the worker falls behind, each write simply carries more messages: nothing here waits to
//! collect them.

use std::time::Instant;

use crate::event_queue::Event;
use crate::ids::{ChannelId, ClientIndex};
use crate::options::SlowPolicy;
use crate::worker::client::{ClientState, Flushed};
use crate::worker::cohort::log::Lag;
use crate::worker::cohort::prefetch::prefetch;
use crate::worker::command::PublishedMessage;
use crate::worker::departure::Cause;

use super::Worker;
use super::disconnect::CloseHandshake;

/// What a slice may cost. A write is a system call of several microseconds, a look only memory.
const SLICE_BUDGET: usize = 1024;
pub(super) const WRITE_COST: usize = 8;
const LOOK_COST: usize = 1;
/// Bytes that are copied for one client, where its socket has not refused them.
const COPY_LIMIT_BYTES: u64 = 64 * 1024;
/// Writes outside of passes in one turn: no more than a slice has.
const FLUSHES_PER_TURN: usize = SLICE_BUDGET / WRITE_COST;

impl Worker {
    /// Appends a message to the log of every cohort that hears the channel.
    pub(super) fn publish(&mut self, message: &PublishedMessage) {
        let PublishedMessage { channel, ref frame, except, at } = *message;
        self.counters.messages += 1;
        let except = except.and_then(|key| self.by_key.get(&key).copied());
        for position in 0..self.cohorts.subscribed(channel).len() {
            let index = self.cohorts.subscribed(channel)[position];
            let excluded = except.filter(|&client| self.clients[client].cohort == index);
            if let Some(client) = excluded {
                self.write_rather_than_copy(client);
                self.clients[client].backlog.detach(self.cohorts[index].log());
            }
            let cohort = &mut self.cohorts[index];
            cohort.append(frame.in_form(cohort.compression(), &mut self.deflater), channel, at);
            self.counters.deliveries_expected += cohort.len() as u64;
            if let Some(client) = excluded {
                self.clients[client].backlog.follow(cohort.log());
                self.counters.deliveries_expected -= 1;
                self.flush_soon(client);
            }
            self.passes.schedule(index, &mut self.cohorts, frame.encoded_len());
        }
    }

    /// Goes on with the passes that are due; true when it left some.
    pub(super) fn send_slice(&mut self) -> bool {
        let mut budget = SLICE_BUDGET;
        while budget > 0 {
            let Some(cohort) = self.passes.current(&mut self.cohorts) else { return false };
            match self.cohorts[cohort].next_in_pass() {
                Some(client) => {
                    if let Some(next) = self.cohorts[cohort].upcoming() {
                        self.prefetch_next(next, client);
                    }
                    budget = budget.saturating_sub(self.visit(client));
                }
                None => {
                    let carried = self.cohorts[cohort].end_pass();
                    self.delivery_times.record(carried, Instant::now());
                    self.passes.finish();
                }
            }
        }
        true
    }

    /// Has the processor fetch what a visit to the client `next` looks at, during that to
    /// `current`. Between two visits the system writes, which leaves nothing of the clients in the
    /// caches.
    fn prefetch_next(&self, next: ClientIndex, current: ClientIndex) {
        let current_at = std::ptr::from_ref(&self.clients[current]);
        // The slab keeps its values side by side, as a test sees. Otherwise this would be no help.
        prefetch(current_at.wrapping_offset(next as isize - current as isize));
    }

    /// Writes to one client all that its cohort's log holds for it. Returns what that cost.
    fn visit(&mut self, index: ClientIndex) -> usize {
        let client = &mut self.clients[index];
        let cohort = client.cohort;
        let log = self.cohorts[cohort].log();
        // Whatever follows, the log is kept from where the client stands now.
        let before = client.backlog.cursor();
        if client.blocked {
            self.cohorts[cohort].visited(before);
            self.check_slow(index);
            return LOOK_COST;
        }
        if client.backlog.is_empty(log) {
            self.cohorts[cohort].visited(before);
            return LOOK_COST;
        }
        let flushed = client.flush(log, &mut self.counters);
        let after = client.backlog.cursor();
        self.cohorts[cohort].visited(after);
        self.settle(index, flushed);
        WRITE_COST
    }

    /// Writes to a client what waits for it, if that is much, before something of its own makes it
    /// a copy of its log, or a longer one. A worker that is behind would else make thousands of
    /// long ones in one turn, and find out late that a socket is full.
    pub(super) fn write_rather_than_copy(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        let log = self.cohorts[client.cohort].log();
        if !client.blocked && client.backlog.unwritten_bytes(log) > COPY_LIMIT_BYTES {
            // What follows is written soon, and brings out what this did.
            let _ = client.flush(log, &mut self.counters);
        }
    }

    /// Has a client written to in this turn, for what no pass will bring.
    pub(super) fn flush_soon(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if !std::mem::replace(&mut client.to_flush, true) {
            self.to_flush.push_back(index);
        }
    }

    /// Writes to clients that [`Worker::flush_soon`] has listed; true when it left some.
    pub(super) fn flush_listed(&mut self) -> bool {
        for _ in 0..FLUSHES_PER_TURN {
            let Some(index) = self.to_flush.pop_front() else { return false };
            let Some(client) = self.clients.get_mut(index) else { continue };
            // Cleared already, the place was given to another client since.
            if std::mem::take(&mut client.to_flush) && !client.blocked {
                self.flush(index);
            }
        }
        !self.to_flush.is_empty()
    }

    /// Writes to a client all that waits for it, and sees to what follows from how that went.
    pub(super) fn flush(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        let was_blocked = client.blocked;
        let cohort = client.cohort;
        let flushed = client.flush(self.cohorts[cohort].log(), &mut self.counters);
        if was_blocked && matches!(flushed, Flushed::All) {
            if !self.cohorts[cohort].log().is_empty() {
                // It may have been the last to hold the log: a pass finds out.
                self.passes.schedule(cohort, &mut self.cohorts, 0);
            }
            self.send_late_pong(index);
        }
        self.settle(index, flushed);
    }

    fn settle(&mut self, index: ClientIndex, flushed: Flushed) {
        match flushed {
            Flushed::All => self.note_flushed(index),
            Flushed::Blocked => self.check_slow(index),
            Flushed::Broken(_) => self.disconnect(index, Cause::Broken),
        }
    }

    fn note_flushed(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        match client.state {
            ClientState::Open => self.emit_drained(index),
            ClientState::Leaving { peer_closed: true, .. } => self.disconnect(index, Cause::Client),
            ClientState::Leaving { peer_closed: false, .. } => client.shut_down_writing(),
        }
    }

    fn emit_drained(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if std::mem::take(&mut client.notify_drained) {
            // At most one for each direct message that had to wait.
            self.bridge.tell(Event::Drained(client.key));
        }
    }

    /// Tells that the queue has been taken, as a drain of one client: a subscriber of the channel
    /// that takes messages or, if there is none, anyone who is there.
    pub(super) fn emit_relieved(&self, channel: ChannelId) {
        let cohorts = self.cohorts.subscribed(channel).iter();
        let members = cohorts.flat_map(|&index| self.cohorts[index].members());
        let taker = members.map(|&index| &self.clients[index]).find(|client| !client.blocked);
        let others =
            || self.clients.iter().map(|(_, client)| client).find(|client| client.is_open());
        let (worker, client) = (self.parts.number, taker.or_else(others).map(|client| client.key));
        self.bridge.tell(Event::Relieved { worker, channel, client });
    }

    /// Applies the slow-client policy to a client whose socket refuses bytes.
    fn check_slow(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if !client.is_open() || !client.blocked {
            return;
        }
        let log = self.cohorts[client.cohort].log();
        if client.backlog.lag(log).is_within(self.limits.lag, client.lag_allowance) {
            return;
        }
        match self.limits.slow {
            SlowPolicy::Disconnect => {
                self.start_close(index, CloseHandshake::too_slow());
            }
            SlowPolicy::Skip => {
                self.counters.dropped_skipped += client.backlog.skip(log, &mut client.missed);
                client.lag_allowance = Lag::default();
                self.emit_skipped(index);
            }
        }
    }
}
