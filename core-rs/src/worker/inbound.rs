//! From the sockets to JavaScript: readiness, reads, and what the clients said.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, BytesMut};
use mio::event::Event as Readiness;

use crate::event_queue::Event;
use crate::frame::compression::Compression;
use crate::frame::{self, Frame, Rules, WorkBudget};
use crate::ids::ClientIndex;
use crate::worker::client::backlog::Kind;
use crate::worker::client::discards::Discards;
use crate::worker::client::{Client, ClientState, PeerDone};
use crate::worker::departure::Cause;

use super::Worker;

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// The same while much that was read is not decoded yet.
const FEWER_READ_BYTES: usize = 1024;
/// What that is: many clients have sent more small frames at once than they may in one turn.
const MUCH_READ_AHEAD_BYTES: usize = 8 * 1024 * 1024;
/// Work of one client's turn: all that it has sent in large messages, or some 60 small ones.
const WORK_PER_TURN: usize = READ_BYTES;
/// Clients read from in one turn of the worker, before it writes again.
const READS_PER_TURN: usize = 128;
/// Work of them all. One of them may pass it.
const WORK_OF_ALL_PER_TURN: usize = READS_PER_TURN * WORK_PER_TURN;

/// Who is to be read from, and the buffer for it.
pub(super) struct Inbound {
    /// A client stands here once; see `Client::to_read`.
    to_read: VecDeque<ClientIndex>,
    /// Lent to one client after the other: none keeps a buffer of its own.
    buffer: Box<[u8]>,
    /// What was read of all clients and is not decoded yet.
    pub(super) read_ahead_bytes: usize,
    /// What is kept of all their messages that are not whole yet; see `unfinished`.
    pub(super) unfinished_bytes: usize,
}

/// What one turn of a client brought beside messages.
#[derive(Default)]
struct Control {
    pongs: Vec<Frame>,
    peer_done: Option<PeerDone>,
}

impl Inbound {
    pub(super) fn new() -> Inbound {
        Inbound {
            to_read: VecDeque::new(),
            buffer: vec![0; READ_BYTES].into(),
            read_ahead_bytes: 0,
            unfinished_bytes: 0,
        }
    }

    /// How much is read at once.
    fn read_bytes(&self) -> usize {
        let much = self.read_ahead_bytes >= MUCH_READ_AHEAD_BYTES;
        if much { FEWER_READ_BYTES } else { READ_BYTES }
    }
}

impl Worker {
    /// Notes what epoll says of a client.
    pub(super) fn ready(&mut self, readiness: &Readiness) {
        let index = readiness.token().0;
        let Some(client) = self.clients.get_mut(index) else { return };
        if readiness.is_read_closed() || readiness.is_error() {
            client.half_closed = true;
        }
        if readiness.is_error() && client.paused {
            // No read would find it out.
            return self.disconnect(index, Cause::Broken);
        }
        if readiness.is_readable() || client.half_closed {
            self.read_soon(index);
        }
        if readiness.is_writable() && self.clients[index].blocked {
            self.flush(index);
        }
    }

    /// Reads from the clients that have something; true when it left some that JavaScript has room
    /// for.
    ///
    /// From each once, so that what it is answered is written before it is read from again, and so
    /// that the messages of one come between those of the others.
    pub(super) fn read_slice(&mut self) -> bool {
        let mut work = 0;
        for _ in 0..READS_PER_TURN.min(self.inbound.to_read.len()) {
            if work >= WORK_OF_ALL_PER_TURN {
                break;
            }
            if !self.bridge.has_room() {
                return false;
            }
            let Some(index) = self.inbound.to_read.pop_front() else { return false };
            let Some(client) = self.clients.get_mut(index) else { continue };
            // Cleared already, the place was given to another client since.
            if std::mem::take(&mut client.to_read) && client.is_to_be_read() {
                work += self.read(index);
            }
        }
        !self.inbound.to_read.is_empty()
    }

    /// Stops reading from a client, so that the network holds it back, or goes on. Its silence is
    /// not held against it meanwhile.
    pub(super) fn pause(&mut self, index: ClientIndex, paused: bool) {
        let now = self.now_secs();
        let client = &mut self.clients[index];
        client.paused = paused && client.is_open();
        client.active_at_secs = now;
        if !client.paused {
            // What has arrived was announced while nobody listened.
            self.read_soon(index);
        }
    }

    pub(super) fn read_soon(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if !std::mem::replace(&mut client.to_read, true) {
            self.inbound.to_read.push_back(index);
        }
    }

    /// Gives a client its turn; returns the work that it was.
    fn read(&mut self, index: ClientIndex) -> usize {
        if let Some(read_ahead) = self.clients[index].take_read_ahead() {
            return self.receive_read_ahead(index, read_ahead);
        }
        let most = self.inbound.read_bytes();
        let client = &mut self.clients[index];
        match client.read(&mut self.inbound.buffer[..most]) {
            Ok(0) => self.receive_end(index),
            Ok(length) => {
                // A short read has emptied the socket, and epoll will tell of more, but not of an
                // end that it has told of already.
                if length == most || client.half_closed {
                    self.read_soon(index);
                }
                if self.clients[index].peer_done.is_some() {
                    return length;
                }
                let mut buffer = std::mem::take(&mut self.inbound.buffer);
                let (taken, work) = self.receive(index, &mut buffer[..length]);
                if taken < length {
                    self.read_later(index, BytesMut::from(&buffer[taken..length]));
                }
                self.inbound.buffer = buffer;
                return work;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.read_soon(index),
            Err(_) => self.disconnect(index, Cause::Broken),
        }
        0
    }

    /// Goes on with what was read before. Nothing else tells of it, nor of what may have arrived
    /// behind it.
    fn receive_read_ahead(&mut self, index: ClientIndex, mut bytes: BytesMut) -> usize {
        self.inbound.read_ahead_bytes -= bytes.len();
        self.read_soon(index);
        if self.clients[index].peer_done.is_some() {
            return 0;
        }
        let (taken, work) = self.receive(index, &mut bytes);
        bytes.advance(taken);
        self.read_later(index, bytes);
        work
    }

    /// Keeps what a client's turn has left for its next one.
    fn read_later(&mut self, index: ClientIndex, bytes: BytesMut) {
        if let Some(client) = self.clients.get_mut(index) {
            self.inbound.read_ahead_bytes += bytes.len();
            client.read_later(bytes);
            self.read_soon(index);
        }
    }

    /// The client has ended its side, and may still read: one that leaves gets its close frame, any
    /// other what it is answered.
    fn receive_end(&mut self, index: ClientIndex) {
        if self.clients[index].is_open() {
            self.finish_receiving(index, PeerDone::End);
        } else {
            self.disconnect_after_flush(index);
        }
    }

    /// Decodes what a client has sent, as far as its turn goes, and tells JavaScript. Returns how
    /// many bytes that were, and the work.
    fn receive(&mut self, index: ClientIndex, bytes: &mut [u8]) -> (usize, usize) {
        let now = self.now_secs();
        let Worker { clients, bridge, counters, limits, inflater, inbound, .. } = self;
        let client = &mut clients[index];
        client.note_life(now);
        let Client { key, decoder, app_notified, has_sent, pongs_due, .. } = client;
        let key = *key;
        let mut control = Control::default();
        let mut work = WorkBudget::new(WORK_PER_TURN);
        let rules = Rules {
            max_payload: limits.max_payload_bytes,
            inflater: (client.compression != Compression::Off).then_some(inflater),
            leaving: client.state != ClientState::Open,
            work: &mut work,
        };
        let discards = client.discards;
        let kept = decoder.unfinished_bytes();
        let result = decoder.feed(bytes, rules, &mut |event| {
            let mut count = |length: usize| {
                counters.messages_received += 1;
                counters.bytes_received += length as u64;
                // Where no handler is for them, no answer follows.
                *has_sent |= !discards.contains(Discards::MESSAGES);
            };
            let event = match event {
                frame::Event::Text(text) => {
                    count(text.len());
                    if discards.contains(Discards::MESSAGES) {
                        return;
                    }
                    Event::Text(key, text.to_owned())
                }
                frame::Event::Binary(bytes) => {
                    count(bytes.len());
                    if discards.contains(Discards::MESSAGES) {
                        return;
                    }
                    Event::Binary(key, bytes.to_owned())
                }
                frame::Event::Ping(payload) => {
                    let answered = !*has_sent;
                    if answered {
                        control.pongs.push(Frame::pong(payload));
                    } else {
                        *pongs_due = pongs_due.saturating_add(1);
                    }
                    if answered && discards.contains(Discards::PINGS) {
                        return;
                    }
                    Event::Ping { client: key, payload: payload.to_owned(), answered }
                }
                frame::Event::Pong(_) if discards.contains(Discards::PONGS) => return,
                frame::Event::Pong(payload) => Event::Pong(key, payload.to_owned()),
                frame::Event::Close(code, reason) => {
                    let reason = reason.to_owned();
                    return control.peer_done = Some(PeerDone::Close { code, reason });
                }
            };
            *app_notified = true;
            bridge.tell(event);
        });
        inbound.note_unfinished(kept, decoder);
        let taken = result.unwrap_or_else(|violation| {
            control.peer_done = Some(PeerDone::Violation(violation));
            bytes.len()
        });
        self.answer(index, control);
        self.limit_unfinished();
        (taken, work.spent())
    }

    fn answer(&mut self, index: ClientIndex, control: Control) {
        let client = &mut self.clients[index];
        if let ClientState::Leaving { peer_closed, .. } = &mut client.state {
            *peer_closed |= control.peer_done.is_some();
            if *peer_closed {
                self.flush_soon(index);
            }
            return;
        }
        self.send_pongs(index, control.pongs);
        if let Some(peer_done) = control.peer_done {
            self.finish_receiving(index, peer_done);
        }
    }

    fn send_pongs(&mut self, index: ClientIndex, mut pongs: Vec<Frame>) {
        let client = &mut self.clients[index];
        if client.blocked {
            if let Some(last) = pongs.pop() {
                client.late_pong = Some(Box::new(last));
            }
        } else if !pongs.is_empty() {
            let log = self.cohorts[client.cohort].log();
            for pong in &pongs {
                client.backlog.push(Kind::Control, pong.as_bytes(), log);
            }
            self.flush_soon(index);
        }
    }

    /// Answers a ping that went through the application.
    pub(super) fn send_pong_of_application(&mut self, index: ClientIndex, pong: Frame) {
        let client = &mut self.clients[index];
        if !client.is_open() {
            return;
        }
        let was_read = client.is_to_be_read();
        client.pongs_due = client.pongs_due.saturating_sub(1);
        if !was_read && client.is_to_be_read() {
            // What has arrived was announced while nobody listened.
            self.read_soon(index);
        }
        self.send_pongs(index, vec![pong]);
    }

    /// Answers the last ping that came while the client's socket refused bytes.
    pub(super) fn send_late_pong(&mut self, index: ClientIndex) {
        if let Some(pong) = self.clients[index].late_pong.take() {
            self.send_pongs(index, vec![*pong]);
        }
    }

    /// A client has said its last word. What the application sends in answer to earlier ones comes
    /// before the close.
    pub(super) fn finish_receiving(&mut self, index: ClientIndex, peer_done: PeerDone) {
        let client = &mut self.clients[index];
        client.peer_done = Some(Box::new(peer_done));
        self.inbound.forget_unfinished(&mut client.decoder);
        client.decoder.end();
        if client.app_notified {
            self.bridge.tell(Event::PeerDone(client.key));
        } else {
            self.finish(index);
        }
    }
}
