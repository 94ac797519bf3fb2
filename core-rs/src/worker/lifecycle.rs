//! How clients come to a worker, and how they leave it.
//!
//! JavaScript gets a client's `Closed` once, at the moment from which the client gets no more
//! messages. Its socket may linger for the closing handshake, with a deadline.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::door::Handoff;
use crate::event_queue::{Event, EventQueue};
use crate::frame::close_code;
use crate::frame::form::Form;
use crate::ids::{ClientIndex, ClientKey, SILENT};
use crate::worker::client::backlog::Kind;
use crate::worker::client::discards::Discards;
use crate::worker::client::{Client, ClientState, Pressure};
use crate::worker::departure::{Cause, Departure};

use super::clients::Clients;
use super::close_handshake::CloseHandshake;
use super::inbound::Inbound;
use super::outbound::Outbound;
use super::telemetry::Telemetry;

/// How long a client may take to finish the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The reason that the application gets for a silent client, as with Bun.
const IDLE_REASON: &str = "WebSocket timed out from inactivity";

/// The parts of a worker that hold something of a client, lent to whatever brings one in or ends
/// one.
pub(super) struct Lifecycle<'a> {
    pub(super) clients: &'a mut Clients,
    pub(super) outbound: &'a mut Outbound,
    pub(super) inbound: &'a mut Inbound,
    pub(super) telemetry: &'a mut Telemetry,
    pub(super) event_queue: &'a EventQueue,
    pub(super) registry: &'a Registry,
    pub(super) now_secs: u32,
}

impl Lifecycle<'_> {
    /// Registers a client whose socket follows.
    pub(super) fn expect(
        &mut self,
        key: ClientKey,
        form: Form,
        discards: Discards,
        pressure: Arc<Pressure>,
    ) {
        let mut client = Client::expected(key, form, pressure, self.now_secs);
        client.receiving.discards = discards;
        client.position = self.outbound.join_silent(self.clients.next_index());
        self.clients.insert(client);
    }

    /// Gives a client its socket.
    pub(super) fn attach(
        &mut self,
        index: ClientIndex,
        Handoff { socket, response, read_ahead }: Handoff,
    ) {
        let mut socket = TcpStream::from_std(socket);
        let Ok(rest) = send_response(&socket, &response) else {
            return self.disconnect(index, Cause::Broken);
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        if self.registry.register(&mut socket, Token(index), interest).is_err() {
            return self.disconnect(index, Cause::Broken);
        }
        let client = &mut self.clients[index];
        client.attach(socket);
        if !rest.is_empty() {
            client.backlog.begin_with(rest);
        }
        if !read_ahead.is_empty() {
            self.inbound.read_later(index, client, read_ahead.into());
        }
        self.outbound.flush_soon(index, client);
    }

    /// Takes a client out of service and starts, or answers, the closing handshake. What waits for
    /// it goes out before the close frame, unless that is just what was too much.
    pub(super) fn start_close(&mut self, index: ClientIndex, handshake: CloseHandshake) {
        // The clock's second may be nearly over.
        let deadline_secs = self.now_secs + 1 + CLOSE_TIMEOUT.as_secs() as u32;
        let client = &mut self.clients[index];
        if !client.is_open() {
            return;
        }
        self.outbound.write_before_copy(client, &mut self.telemetry.counters);
        let departure = departure(client, self.outbound, handshake.cause);
        let log = self.outbound.log_of(client);
        if handshake.cause == Cause::Slow {
            self.telemetry.counters.dropped_slow += client.backlog.clear(log);
        }
        if let Some(pong) = client.late_pong.take() {
            client.backlog.push(Kind::Control, pong.as_bytes(), log);
        }
        client.backlog.push(Kind::Control, handshake.frame.as_bytes(), log);
        let peer_closed = client.receiving.has_closed();
        let was_read = client.is_to_be_read();
        client.state = ClientState::Leaving { deadline_secs, peer_closed };
        self.inbound.forget_unfinished(&mut client.receiving.decoder);
        if !was_read {
            // Its own close frame is waited for, or just its end, which may have been announced
            // already.
            self.inbound.read_soon(index, client);
        }
        let counters = &mut self.telemetry.counters;
        self.outbound.move_to_cohort(self.clients, counters, index, SILENT);
        self.outbound.flush_soon(index, &mut self.clients[index]);
        self.emit_closed(index, departure, handshake.code, handshake.reason);
    }

    /// Ends a client's connection without a closing handshake. Of what was sent before, the client
    /// gets as much as its socket takes at once, as with Bun.
    pub(super) fn terminate(&mut self, index: ClientIndex, cause: Cause) {
        let client = &mut self.clients[index];
        let log = self.outbound.log_of(client);
        let was_behind = client.backlog.cursor() != log.head();
        // Whatever comes of it, the client is given up.
        let _ = client.flush(log, &mut self.telemetry.counters);
        if was_behind {
            // It may have been the last to hold the log: a pass finds out.
            self.outbound.schedule_pass(client.cohort);
        }
        self.disconnect(index, cause);
    }

    /// Gives a client up: its socket is closed as it is. The cause counts if it was open until now.
    pub(super) fn disconnect(&mut self, index: ClientIndex, cause: Cause) {
        if self.clients[index].is_open() {
            self.emit_disconnected(index, cause);
        }
        let mut client = self.clients.remove(index);
        self.inbound.forget(&mut client);
        let log = self.outbound.log_of(&client);
        self.telemetry.count_departed(client.backlog.delivery_counts(log));
        let was_behind = client.backlog.cursor() != log.head();
        self.outbound.leave_cohort(self.clients, client.cohort, client.position, was_behind);
        if let Some(mut socket) = client.take_socket(&mut self.telemetry.counters) {
            // Closing the socket takes it out of epoll even if this should fail.
            let _ = self.registry.deregister(&mut socket);
        }
    }

    /// A connection that breaks after its peer was done was ended by that.
    fn emit_disconnected(&mut self, index: ClientIndex, cause: Cause) {
        let client = &mut self.clients[index];
        let peer_done = client.receiving.peer_done.take().filter(|_| cause == Cause::Broken);
        let (code, reason, cause) = match peer_done.and_then(|done| CloseHandshake::after(*done)) {
            Some(CloseHandshake { code, reason, cause, .. }) => (code, reason, cause),
            None if cause == Cause::Idle => (close_code::ABNORMAL, IDLE_REASON.to_owned(), cause),
            None => (close_code::ABNORMAL, String::new(), cause),
        };
        let departure = departure(client, self.outbound, cause);
        self.emit_closed(index, departure, code, reason);
    }

    fn emit_closed(&mut self, index: ClientIndex, departure: Departure, code: u16, reason: String) {
        self.telemetry.count_closed(departure.cause);
        let client = &mut self.clients[index];
        if let Some(missed) = client.missed.take() {
            // At the latest now, room or not: a client closes once.
            self.event_queue.emit(Event::Skipped(client.key, *missed));
        }
        self.event_queue.emit(Event::Closed { client: client.key, code, reason, departure });
    }

    /// Reports to JavaScript what a client has skipped; later, if JavaScript is behind itself.
    pub(super) fn emit_skipped(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if let Some(missed) = client.missed.take_if(|_| self.event_queue.has_room()) {
            self.event_queue.emit(Event::Skipped(client.key, *missed));
        }
    }
}

/// What is known of a client's departure, before what waits for it is dropped.
fn departure(client: &Client, outbound: &Outbound, cause: Cause) -> Departure {
    Departure { cause, waiting: Some(client.backlog.waiting(outbound.log_of(client))) }
}

/// Sends a new client its 101 response; returns what its socket has no room for: nothing, unless
/// the system is short of memory.
fn send_response<'r>(mut socket: &TcpStream, response: &'r [u8]) -> io::Result<&'r [u8]> {
    if response.is_empty() {
        return Ok(response);
    }
    match socket.write(response) {
        Ok(bytes) => Ok(&response[bytes..]),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(response)
        }
        Err(error) => Err(error),
    }
}
