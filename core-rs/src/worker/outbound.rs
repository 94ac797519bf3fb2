//! What waits to be written: the cohorts with their logs, which of them have a pass due, and the
//! clients that are written to outside of any pass.
//!
//! A pass is cut into slices, so that reads, pings and commands never wait for ten thousand writes.
//! When the worker falls behind, each write simply carries more messages: nothing here waits to
//! collect them.

use std::collections::VecDeque;

use crate::frame::Frame;
use crate::frame::compression::Deflater;
use crate::ids::{Channel, ChannelId, ClientIndex, CohortIndex, MemberPosition, SILENT};
use crate::worker::client::backlog::Kind;
use crate::worker::client::{Client, Flushed};
use crate::worker::cohort::log::Log;
use crate::worker::command::PublishedMessage;
use crate::worker::counters::Counters;

use super::clients::Clients;
use super::cohorts::Cohorts;
use super::passes::Passes;
use super::telemetry::Telemetry;

/// Bytes that are copied for one client, where its socket has not refused them.
const COPY_LIMIT_BYTES: u64 = 64 * 1024;

/// See the module's description.
pub(super) struct Outbound {
    cohorts: Cohorts,
    passes: Passes,
    /// Clients to write to outside of any pass. A client stands here once; see `Client::to_flush`.
    to_flush: VecDeque<ClientIndex>,
    deflater: Deflater,
}

impl Outbound {
    pub(super) fn new() -> Outbound {
        Outbound {
            cohorts: Cohorts::new(),
            passes: Passes::default(),
            to_flush: VecDeque::new(),
            deflater: Deflater::default(),
        }
    }

    #[cfg(all(test, not(shardcast_loom)))]
    pub(super) fn cohorts(&self) -> &Cohorts {
        &self.cohorts
    }

    /// The log that a client reads.
    pub(super) fn log_of(&self, client: &Client) -> &Log {
        self.cohorts[client.cohort].log()
    }

    /// Whether logs are so far ahead of the sockets that nothing may be appended for now.
    pub(super) fn is_far_behind(&self) -> bool {
        self.passes.are_far_behind()
    }

    /// Appends a message to the log of every cohort that is subscribed to the channel.
    pub(super) fn publish(
        &mut self,
        clients: &mut Clients,
        counters: &mut Counters,
        message: &PublishedMessage,
    ) {
        let PublishedMessage { channel, ref frame, except, at } = *message;
        counters.messages += 1;
        let except = except.and_then(|key| clients.find(key));
        for position in 0..self.cohorts.subscribed(channel).len() {
            let index = self.cohorts.subscribed(channel)[position];
            let excluded = except.filter(|&client| clients[client].cohort == index);
            if let Some(client) = excluded {
                let client = &mut clients[client];
                self.write_before_copy(client, counters);
                client.backlog.detach(self.cohorts[index].log());
            }
            let cohort = &mut self.cohorts[index];
            cohort.append(frame.in_form(cohort.form(), &mut self.deflater), channel, at);
            counters.deliveries_expected += cohort.len() as u64;
            if let Some(position) = excluded {
                let client = &mut clients[position];
                client.backlog.follow(cohort.log());
                counters.deliveries_expected -= 1;
                self.flush_soon(position, client);
            }
            self.passes.schedule(index, &mut self.cohorts, frame.encoded_len());
        }
    }

    /// Adds a frame of the application's for one client alone.
    pub(super) fn send(
        &mut self,
        index: ClientIndex,
        client: &mut Client,
        counters: &mut Counters,
        kind: Kind,
        frame: &Frame,
    ) {
        if !client.is_open() {
            return;
        }
        self.write_before_copy(client, counters);
        let bytes = frame.in_form(client.form, &mut self.deflater);
        client.note_form(frame.encoded_len(), bytes.len());
        counters.deliveries_expected += u64::from(kind == Kind::Direct);
        client.backlog.push(kind, bytes, self.cohorts[client.cohort].log());
        self.flush_soon(index, client);
    }

    /// Pings a client, unless its socket is full: it would not take the ping, and says already what
    /// the ping would ask.
    pub(super) fn ping(&mut self, index: ClientIndex, client: &mut Client) {
        if !client.blocked {
            client.pinged = true;
            client.backlog.push(Kind::Control, Frame::ping(&[]).as_bytes(), self.log_of(client));
            self.flush_soon(index, client);
        }
    }

    /// Answers pings of a client; while its socket refuses bytes, the last one, and later.
    pub(super) fn send_pongs(
        &mut self,
        index: ClientIndex,
        client: &mut Client,
        mut pongs: Vec<Frame>,
    ) {
        if client.blocked {
            if let Some(last) = pongs.pop() {
                client.late_pong = Some(Box::new(last));
            }
        } else if !pongs.is_empty() {
            for pong in &pongs {
                client.backlog.push(Kind::Control, pong.as_bytes(), self.log_of(client));
            }
            self.flush_soon(index, client);
        }
    }

    /// Writes to a client what waits for it, if that is much, before something of its own makes it
    /// a copy of its log, or a longer one. A worker that is behind would else make thousands of
    /// long ones in one turn, and find out late that a socket is full.
    pub(super) fn write_before_copy(&self, client: &mut Client, counters: &mut Counters) {
        let log = self.log_of(client);
        if !client.blocked && client.backlog.unwritten_bytes(log) > COPY_LIMIT_BYTES {
            // What follows is written soon, and brings out what this did.
            let _ = client.flush(log, counters);
        }
    }

    /// Has a client written to in this turn, for what no pass will bring.
    pub(super) fn flush_soon(&mut self, index: ClientIndex, client: &mut Client) {
        if !std::mem::replace(&mut client.to_flush, true) {
            self.to_flush.push_back(index);
        }
    }

    /// Whether clients are still to be written to outside of any pass.
    pub(super) fn has_to_flush(&self) -> bool {
        !self.to_flush.is_empty()
    }

    /// Takes the next client of [`Outbound::flush_soon`].
    pub(super) fn next_to_flush(&mut self) -> Option<ClientIndex> {
        self.to_flush.pop_front()
    }

    /// Writes to a client all that waits for it.
    pub(super) fn flush(
        &mut self,
        index: ClientIndex,
        client: &mut Client,
        counters: &mut Counters,
    ) -> Flushed {
        let was_blocked = client.blocked;
        let flushed = client.flush(self.log_of(client), counters);
        if was_blocked && matches!(flushed, Flushed::All) {
            if !self.log_of(client).is_empty() {
                // It may have been the last to hold the log: a pass finds out.
                self.schedule_pass(client.cohort);
            }
            if let Some(pong) = client.late_pong.take() {
                self.send_pongs(index, client, vec![*pong]);
            }
        }
        flushed
    }

    /// The next client that the passes visit, after ending and beginning passes on the way.
    #[inline]
    pub(super) fn next_visit(
        &mut self,
        clients: &Clients,
        telemetry: &mut Telemetry,
    ) -> Option<ClientIndex> {
        loop {
            let cohort = self.passes.current(&mut self.cohorts)?;
            let cohort = &mut self.cohorts[cohort];
            if let Some(client) = cohort.next_in_pass() {
                if let Some(next) = cohort.upcoming() {
                    clients.prefetch_next(next, client);
                }
                return Some(client);
            }
            telemetry.record_pass(cohort.end_pass());
            self.passes.finish();
        }
    }

    /// Writes to one client all that its cohort's log holds for it. `None` where there was nothing
    /// to write.
    #[inline]
    pub(super) fn visit(
        &mut self,
        client: &mut Client,
        counters: &mut Counters,
    ) -> Option<Flushed> {
        let cohort = &mut self.cohorts[client.cohort];
        if client.blocked || client.backlog.is_empty(cohort.log()) {
            // Whatever follows, the log is kept from where the client stands now.
            cohort.visited(client.backlog.cursor());
            return client.blocked.then_some(Flushed::Blocked);
        }
        let flushed = client.flush(cohort.log(), counters);
        cohort.visited(client.backlog.cursor());
        Some(flushed)
    }

    /// A pass over a cohort finds out how far its log is read.
    pub(super) fn schedule_pass(&mut self, cohort: CohortIndex) {
        self.passes.schedule(cohort, &mut self.cohorts, 0);
    }

    /// Adds a new client to those without a channel; returns its position there.
    pub(super) fn join_silent(&mut self, client: ClientIndex) -> MemberPosition {
        self.cohorts[SILENT].join(client)
    }

    /// Changes the channels of a client, which moves to the cohort with just these.
    pub(super) fn change_channels(
        &mut self,
        clients: &mut Clients,
        counters: &mut Counters,
        index: ClientIndex,
        change: impl FnOnce(&mut Vec<Channel>),
    ) {
        let client = &clients[index];
        if !client.is_open() {
            return;
        }
        let mut channels = self.cohorts[client.cohort].channels().to_vec();
        change(&mut channels);
        let cohort = self.cohorts.find_or_create(client.form, &channels);
        self.move_to_cohort(clients, counters, index, cohort);
    }

    /// Lets a client go on in another cohort's log. What it had not read of the old one it keeps.
    pub(super) fn move_to_cohort(
        &mut self,
        clients: &mut Clients,
        counters: &mut Counters,
        index: ClientIndex,
        to: CohortIndex,
    ) {
        let client = &mut clients[index];
        let from = client.cohort;
        if from == to {
            return;
        }
        self.write_before_copy(client, counters);
        let log = self.cohorts[from].log();
        let was_behind = client.backlog.cursor() != log.head();
        client.backlog.detach(log);
        client.backlog.follow(self.cohorts[to].log());
        client.cohort = to;
        let position = std::mem::replace(&mut client.position, self.cohorts[to].join(index));
        self.leave_cohort(clients, from, position, was_behind);
        // No pass of the old cohort will come by for what it kept.
        self.flush_soon(index, &mut clients[index]);
    }

    /// Frees a position. A member that is moved there by it still gets what the pass under way
    /// owes. With `was_behind`, the one that leaves had not read all of the log.
    pub(super) fn leave_cohort(
        &mut self,
        clients: &mut Clients,
        cohort: CohortIndex,
        position: MemberPosition,
        was_behind: bool,
    ) {
        if let Some(moved) = self.cohorts[cohort].leave(position) {
            let client = &mut clients[moved.client];
            client.position = position;
            if moved.passed_over {
                self.cohorts[cohort].visited(client.backlog.cursor());
                self.flush_soon(moved.client, client);
            }
        }
        if cohort != SILENT && self.cohorts[cohort].is_empty() {
            self.cohorts.remove(cohort);
            self.passes.forget(cohort);
        } else if was_behind {
            // It may have been the last to hold the log: a pass finds out.
            self.schedule_pass(cohort);
        }
    }

    /// A subscriber of the channel whose socket takes bytes.
    pub(super) fn subscriber_with_room<'a>(
        &self,
        clients: &'a Clients,
        channel: ChannelId,
    ) -> Option<&'a Client> {
        let cohorts = self.cohorts.subscribed(channel).iter();
        let members = cohorts.flat_map(|&index| self.cohorts[index].members());
        members.map(|&index| &clients[index]).find(|client| !client.blocked)
    }
}
