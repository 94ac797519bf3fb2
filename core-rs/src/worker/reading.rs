//! From the sockets to JavaScript: readiness, reads, and what follows from what was received.

use std::io;

use bytes::{Buf, BytesMut};
use mio::event::Event as Readiness;

use crate::event_queue::Event;
use crate::frame::compression::Inflater;
use crate::frame::{Frame, Violation, close_code};
use crate::ids::ClientIndex;
use crate::worker::client::ClientState;
use crate::worker::client::receiving::PeerDone;
use crate::worker::departure::Cause;

use super::decoding::{Decoded, Decoding, WORK_PER_TURN};
use super::flushing::Flushing;
use super::inbound::READ_BYTES;
use super::lifecycle::Lifecycle;

/// Clients read from in one turn of the worker, before it writes again.
const READS_PER_TURN: usize = 128;
/// Work of them all. One of them may pass it.
const WORK_OF_ALL_PER_TURN: usize = READS_PER_TURN * WORK_PER_TURN;
/// The client that was closed for others may well come back when they are gone.
const TOO_MANY: Violation =
    Violation { code: close_code::TRY_AGAIN_LATER, reason: "too many unfinished messages" };
const NOT_IN_TIME: Violation =
    Violation { code: close_code::POLICY_VIOLATION, reason: "message not finished in time" };

/// What a worker lends to one client after the other, so that none keeps its own.
pub(super) struct ReadBuffers {
    bytes: Box<[u8]>,
    inflater: Inflater,
}

impl ReadBuffers {
    pub(super) fn new() -> ReadBuffers {
        ReadBuffers { bytes: vec![0; READ_BYTES].into(), inflater: Inflater::default() }
    }
}

/// Reads from clients. What they send may be answered, or end them.
pub(super) struct Reading<'a> {
    pub(super) flushing: Flushing<'a>,
    pub(super) buffers: &'a mut ReadBuffers,
}

impl Reading<'_> {
    /// Notes what epoll reports of a client.
    pub(super) fn ready(&mut self, readiness: &Readiness) {
        let index = readiness.token().0;
        let Lifecycle { clients, inbound, .. } = &mut self.flushing.lifecycle;
        let Some(client) = clients.get_mut(index) else { return };
        if readiness.is_read_closed() || readiness.is_error() {
            client.receiving.half_closed = true;
        }
        if readiness.is_error() && client.receiving.paused {
            // No read would find it out.
            return self.flushing.lifecycle.disconnect(index, Cause::Broken);
        }
        if readiness.is_readable() || client.receiving.half_closed {
            inbound.read_soon(index, client);
        }
        if readiness.is_writable() && client.blocked {
            self.flushing.flush(index);
        }
    }

    /// Reads from the clients that have something; true when it left some that JavaScript has room
    /// for.
    ///
    /// From each once, so that what it is answered is written before it is read from again, and so
    /// that the messages of one come between those of the others.
    pub(super) fn read_slice(&mut self) -> bool {
        let mut work = 0;
        for _ in 0..READS_PER_TURN.min(self.flushing.lifecycle.inbound.len()) {
            if work >= WORK_OF_ALL_PER_TURN {
                break;
            }
            let Lifecycle { clients, inbound, event_queue, .. } = &mut self.flushing.lifecycle;
            if !event_queue.has_room() {
                return false;
            }
            let Some(index) = inbound.next_to_read() else { return false };
            let Some(client) = clients.get_mut(index) else { continue };
            // Cleared already, the place was given to another client since.
            if std::mem::take(&mut client.receiving.to_read) && client.is_to_be_read() {
                work += self.read(index);
            }
        }
        self.flushing.lifecycle.inbound.len() > 0
    }

    /// Gives a client its turn; returns the work that it was.
    fn read(&mut self, index: ClientIndex) -> usize {
        let Lifecycle { clients, inbound, .. } = &mut self.flushing.lifecycle;
        let client = &mut clients[index];
        if let Some(read_ahead) = inbound.take_read_ahead(index, client) {
            return self.receive_read_ahead(index, read_ahead);
        }
        let most = inbound.read_bytes();
        match client.read(&mut self.buffers.bytes[..most]) {
            Ok(0) => self.receive_end(index),
            Ok(length) => {
                // A short read has emptied the socket, and epoll will report more, but not an
                // end that it has reported already.
                if length == most || client.receiving.half_closed {
                    inbound.read_soon(index, client);
                }
                if client.receiving.peer_done.is_some() {
                    return length;
                }
                let mut buffer = std::mem::take(&mut self.buffers.bytes);
                let (taken, work) = self.receive(index, &mut buffer[..length]);
                if taken < length {
                    self.read_later(index, BytesMut::from(&buffer[taken..length]));
                }
                self.buffers.bytes = buffer;
                return work;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                inbound.read_soon(index, client);
            }
            Err(_) => self.flushing.lifecycle.disconnect(index, Cause::Broken),
        }
        0
    }

    /// Goes on with what was read before.
    fn receive_read_ahead(&mut self, index: ClientIndex, mut bytes: BytesMut) -> usize {
        if self.flushing.lifecycle.clients[index].receiving.peer_done.is_some() {
            return 0;
        }
        let (taken, work) = self.receive(index, &mut bytes);
        bytes.advance(taken);
        self.read_later(index, bytes);
        work
    }

    /// Keeps what a client's turn has left for its next one.
    fn read_later(&mut self, index: ClientIndex, bytes: BytesMut) {
        let Lifecycle { clients, inbound, .. } = &mut self.flushing.lifecycle;
        if let Some(client) = clients.get_mut(index) {
            inbound.read_later(index, client, bytes);
        }
    }

    /// The client has ended its side, and may still read: one that leaves gets its close frame, any
    /// other what it is answered.
    fn receive_end(&mut self, index: ClientIndex) {
        if self.flushing.lifecycle.clients[index].is_open() {
            self.finish_receiving(index, PeerDone::End);
        } else {
            self.flushing.disconnect_after_flush(index);
        }
    }

    /// Decodes what a client has sent, as far as its turn goes, and emits events. Returns how
    /// many bytes that were, and the work.
    fn receive(&mut self, index: ClientIndex, bytes: &mut [u8]) -> (usize, usize) {
        let Flushing { lifecycle, limits } = &mut self.flushing;
        let client = &mut lifecycle.clients[index];
        client.note_life(lifecycle.now_secs);
        let kept = client.receiving.decoder.unfinished_bytes();
        let decoding = Decoding {
            limits,
            event_queue: lifecycle.event_queue,
            counters: &mut lifecycle.telemetry.counters,
            inflater: &mut self.buffers.inflater,
        };
        let Decoded { taken, work, pongs, peer_done } = decoding.decode(client, bytes);
        lifecycle.inbound.note_unfinished(kept, &client.receiving.decoder);
        self.answer(index, pongs, peer_done);
        self.limit_unfinished();
        (taken, work)
    }

    fn answer(&mut self, index: ClientIndex, pongs: Vec<Frame>, peer_done: Option<PeerDone>) {
        let Lifecycle { clients, outbound, .. } = &mut self.flushing.lifecycle;
        let client = &mut clients[index];
        if let ClientState::Leaving { peer_closed, .. } = &mut client.state {
            *peer_closed |= peer_done.is_some();
            if *peer_closed {
                outbound.flush_soon(index, client);
            }
            return;
        }
        outbound.send_pongs(index, client, pongs);
        if let Some(peer_done) = peer_done {
            self.finish_receiving(index, peer_done);
        }
    }

    /// Answers a ping that went through the application.
    pub(super) fn send_pong_of_application(&mut self, index: ClientIndex, pong: Frame) {
        let Lifecycle { clients, outbound, inbound, .. } = &mut self.flushing.lifecycle;
        let client = &mut clients[index];
        if !client.is_open() {
            return;
        }
        let was_read = client.is_to_be_read();
        client.receiving.pongs_due = client.receiving.pongs_due.saturating_sub(1);
        if !was_read && client.is_to_be_read() {
            // What has arrived was announced while the client was not read from.
            inbound.read_soon(index, client);
        }
        outbound.send_pongs(index, client, vec![pong]);
    }

    /// A client's peer is done. What the application sends in answer to earlier messages comes
    /// before the close.
    fn finish_receiving(&mut self, index: ClientIndex, peer_done: PeerDone) {
        let Lifecycle { clients, inbound, event_queue, .. } = &mut self.flushing.lifecycle;
        let client = &mut clients[index];
        client.receiving.peer_done = Some(Box::new(peer_done));
        inbound.forget_unfinished(&mut client.receiving.decoder);
        client.receiving.decoder.end();
        if client.receiving.app_notified {
            event_queue.emit(Event::PeerDone(client.key));
        } else {
            self.flushing.finish(index);
        }
    }

    /// Closes the clients that keep the most of unfinished messages until the budget suffices.
    fn limit_unfinished(&mut self) {
        while self.flushing.lifecycle.inbound.is_past_budget(self.flushing.limits) {
            let clients = self.flushing.lifecycle.clients.iter();
            let kept =
                clients.map(|(index, client)| (client.receiving.decoder.unfinished_bytes(), index));
            let Some((_, largest)) = kept.filter(|(bytes, _)| *bytes > 0).max() else { return };
            self.finish_receiving(largest, PeerDone::Unfinished(TOO_MANY));
        }
    }

    /// Ends a client whose message was not finished in time.
    pub(super) fn end_unfinished(&mut self, index: ClientIndex) {
        self.finish_receiving(index, PeerDone::Unfinished(NOT_IN_TIME));
    }
}
