//! From the sockets to JavaScript: readiness, reads, and what the clients said.

use std::collections::VecDeque;
use std::io;

use mio::event::Event as Readiness;

use crate::backlog::Kind;
use crate::bridge::Event;
use crate::client::{ClientIndex, Ending, State};
use crate::compression::Compression;
use crate::departure::Cause;
use crate::discards::Discards;
use crate::frame::{self, Frame, Rules};

use super::Worker;

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// Reads in one turn, before clients are written to again.
const READS_PER_TURN: usize = 128;
/// Pings of one read that are answered: the last. More than this is no question but a flood (RFC
/// 6455, section 5.5.3, has the most recent one answered).
const PONGS_PER_READ: usize = 128;

/// Who is to be read from, and the buffer for it.
pub(super) struct Inbound {
    /// A client stands here once; see `Client::to_read`.
    to_read: VecDeque<ClientIndex>,
    /// Lent to one client after the other: none keeps a buffer of its own.
    buffer: Box<[u8]>,
}

/// What one read brought beside messages.
#[derive(Default)]
struct Control {
    pongs: VecDeque<Frame>,
    ending: Option<Ending>,
}

impl Inbound {
    pub(super) fn new() -> Inbound {
        Inbound { to_read: VecDeque::new(), buffer: vec![0; READ_BYTES].into() }
    }
}

impl Control {
    fn ask_for_pong(&mut self, payload: &[u8]) {
        if self.pongs.len() == PONGS_PER_READ {
            self.pongs.pop_front();
        }
        self.pongs.push_back(Frame::pong(payload));
    }
}

impl Worker {
    /// Notes what epoll says of a client.
    pub(super) fn ready(&mut self, readiness: &Readiness) {
        let index = readiness.token().0;
        let Some(client) = self.clients.get_mut(index) else { return };
        if readiness.is_read_closed() || readiness.is_error() {
            client.ended = true;
        }
        if readiness.is_error() && client.paused {
            // No read would find it out.
            return self.lose(index, Cause::Broken);
        }
        if readiness.is_readable() || client.ended {
            self.read_soon(index);
        }
        if readiness.is_writable() && self.clients[index].blocked {
            self.flush(index);
        }
    }

    /// Reads from the clients that have something; true when it left some that JavaScript has room
    /// for.
    ///
    /// From each once, so that what it is answered is written before it is read from again.
    pub(super) fn read_slice(&mut self) -> bool {
        for _ in 0..READS_PER_TURN.min(self.inbound.to_read.len()) {
            if !self.bridge.has_room() {
                return false;
            }
            let Some(index) = self.inbound.to_read.pop_front() else { return false };
            let Some(client) = self.clients.get_mut(index) else { continue };
            // Cleared already, the place was given to another client since.
            if std::mem::take(&mut client.to_read) && client.is_to_be_read() {
                self.read(index);
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
        client.heard_at_secs = now;
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

    fn read(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        let read_ahead = client.has_read_ahead();
        match client.read(&mut self.inbound.buffer) {
            Ok(0) => self.hear_end(index),
            Ok(length) => {
                // A short read has emptied the socket, and epoll will tell of more, but not of an
                // end that it has told of already.
                if length == READ_BYTES || client.ended || read_ahead {
                    self.read_soon(index);
                }
                if self.clients[index].ending.is_some() {
                    return;
                }
                let mut buffer = std::mem::take(&mut self.inbound.buffer);
                self.hear(index, &mut buffer[..length]);
                self.inbound.buffer = buffer;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.read_soon(index),
            Err(_) => self.lose(index, Cause::Broken),
        }
    }

    /// The client has ended its side, and may still read: one that leaves gets its close frame, any
    /// other what it is answered.
    fn hear_end(&mut self, index: ClientIndex) {
        if self.clients[index].is_open() {
            self.end_hearing(index, Ending::End);
        } else {
            self.lose_after_flush(index);
        }
    }

    fn hear(&mut self, index: ClientIndex, bytes: &mut [u8]) {
        let now = self.now_secs();
        let Worker { clients, bridge, tally, limits, inflater, .. } = self;
        let client = &mut clients[index];
        client.note_life(now);
        let key = client.key;
        let mut control = Control::default();
        let mut told = 0;
        let rules = Rules {
            max_payload: limits.max_payload_bytes,
            inflater: (client.compression != Compression::Off).then_some(inflater),
            leaving: !client.is_open(),
            work: &mut frame::WorkBudget::unlimited(),
        };
        let discards = client.discards;
        let result = client.decoder.feed(bytes, rules, &mut |event| {
            let mut count = |length: usize| {
                tally.messages_received += 1;
                tally.bytes_received += length as u64;
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
                    control.ask_for_pong(payload);
                    if discards.contains(Discards::PINGS) {
                        return;
                    }
                    Event::Ping(key, payload.to_owned())
                }
                frame::Event::Pong(_) if discards.contains(Discards::PONGS) => return,
                frame::Event::Pong(payload) => Event::Pong(key, payload.to_owned()),
                frame::Event::Close(code, reason) => {
                    let reason = reason.to_owned();
                    return control.ending = Some(Ending::Close { code, reason });
                }
            };
            told += 1;
            bridge.tell(event);
        });
        client.has_spoken |= told > 0;
        if let Err(violation) = result {
            control.ending = Some(Ending::Violation(violation));
        }
        self.answer(index, control);
    }

    fn answer(&mut self, index: ClientIndex, control: Control) {
        let client = &mut self.clients[index];
        if let State::Leaving { peer_closed, .. } = &mut client.state {
            *peer_closed |= control.ending.is_some();
            if *peer_closed {
                self.flush_soon(index);
            }
            return;
        }
        self.send_pongs(index, control.pongs);
        if let Some(ending) = control.ending {
            self.end_hearing(index, ending);
        }
    }

    fn send_pongs(&mut self, index: ClientIndex, mut pongs: VecDeque<Frame>) {
        let client = &mut self.clients[index];
        if client.blocked {
            if let Some(last) = pongs.pop_back() {
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

    /// Answers the last ping that came while the client's socket refused bytes.
    pub(super) fn send_late_pong(&mut self, index: ClientIndex) {
        if let Some(pong) = self.clients[index].late_pong.take() {
            self.send_pongs(index, VecDeque::from([*pong]));
        }
    }

    /// A client has said its last word. What the application sends in answer to earlier ones comes
    /// before the close.
    fn end_hearing(&mut self, index: ClientIndex, ending: Ending) {
        let client = &mut self.clients[index];
        client.ending = Some(Box::new(ending));
        if client.has_spoken {
            self.bridge.tell(Event::Ending(client.key));
        } else {
            self.finish(index);
        }
    }
}
