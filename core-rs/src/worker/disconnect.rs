//! How clients leave: by their own will, by the application's, by ours, or by accident.
//!
//! JavaScript hears of it once, at the moment from which the client hears nothing more. Its socket
//! may linger for the closing handshake, with a deadline.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event_queue::Event;
use crate::frame::{Frame, Violation, close_code};
use crate::ids::{ClientIndex, ClientKey, SILENT};
use crate::worker::client::backlog::Kind;
use crate::worker::client::{ClientState, PeerDone};
use crate::worker::command::{CloseAll, CloseReason};
use crate::worker::departure::{Cause, Departure};

use super::Worker;

/// How long a client may take to finish the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a staggered_close closes another few.
pub(super) const CLOSE_STEP: Duration = Duration::from_millis(5);

/// What the application is told of a silent client, in Bun's words.
const IDLE_REASON: &str = "WebSocket timed out from inactivity";

/// A closing handshake that is about to begin, or to be answered.
pub(super) struct CloseHandshake {
    /// What JavaScript is told.
    code: u16,
    reason: String,
    /// What the client is told.
    frame: Frame,
    cause: Cause,
}

impl CloseHandshake {
    pub(super) fn by_application(CloseReason { code, reason }: CloseReason) -> CloseHandshake {
        let frame = match code {
            close_code::NO_STATUS => Frame::close_without_code(),
            code => Frame::close(code, &reason),
        };
        let reason = Frame::close_reason(&reason).to_owned();
        CloseHandshake { code, reason, frame, cause: Cause::App }
    }

    /// Answers the client's own close frame with the same, or ends it for what it did. None for one
    /// that has left without a word.
    fn after(peer_done: PeerDone) -> Option<CloseHandshake> {
        match peer_done {
            PeerDone::Close { code, reason } => {
                let echo = |code| Frame::close(code, &reason);
                let frame = code.map_or_else(Frame::close_without_code, echo);
                let code = code.unwrap_or(close_code::NO_STATUS);
                Some(CloseHandshake { code, reason, frame, cause: Cause::Client })
            }
            PeerDone::Violation(violation) => {
                Some(CloseHandshake::for_what_it_did(violation, Cause::Violation))
            }
            PeerDone::Unfinished(violation) => {
                Some(CloseHandshake::for_what_it_did(violation, Cause::Unfinished))
            }
            PeerDone::End => None,
        }
    }

    fn for_what_it_did(Violation { code, reason }: Violation, cause: Cause) -> CloseHandshake {
        CloseHandshake { code, reason: reason.to_owned(), frame: Frame::close(code, reason), cause }
    }

    pub(super) fn too_slow() -> CloseHandshake {
        let (code, reason) = (close_code::TRY_AGAIN_LATER, "slow consumer");
        let frame = Frame::close(code, reason);
        CloseHandshake { code, reason: reason.to_owned(), frame, cause: Cause::Slow }
    }
}

/// The closing of every client, spread over a time.
pub(super) struct StaggeredClose {
    why: CloseReason,
    over: Duration,
    began_at: Instant,
    total: usize,
    waiting: VecDeque<ClientKey>,
}

impl StaggeredClose {
    /// How many should be left by now.
    fn left_at(&self, now: Instant) -> usize {
        let elapsed = now - self.began_at;
        if elapsed >= self.over {
            return 0;
        }
        let left = 1.0 - elapsed.as_secs_f64() / self.over.as_secs_f64();
        (self.total as f64 * left) as usize
    }
}

impl Worker {
    /// Closes a client as its last word demands.
    pub(super) fn finish(&mut self, index: ClientIndex) {
        let Some(peer_done) = self.clients[index].peer_done.as_deref() else { return };
        match CloseHandshake::after(peer_done.clone()) {
            Some(handshake) => self.start_close(index, handshake),
            None => self.disconnect_after_flush(index),
        }
    }

    /// Gives up a client that has ended its side, and may still read what is ready for it.
    pub(super) fn disconnect_after_flush(&mut self, index: ClientIndex) {
        let key = self.clients[index].key;
        self.flush(index);
        if self.clients.get(index).is_some_and(|client| client.key == key) {
            self.disconnect(index, Cause::Broken);
        }
    }

    /// Takes a client out of service and starts, or answers, the closing handshake. What waits for
    /// it goes out before the close frame, unless that is just what was too much.
    pub(super) fn start_close(&mut self, index: ClientIndex, handshake: CloseHandshake) {
        // The clock's second may be nearly over.
        let deadline_secs = self.now_secs() + 1 + CLOSE_TIMEOUT.as_secs() as u32;
        if !self.clients[index].is_open() {
            return;
        }
        self.write_rather_than_copy(index);
        let departure = self.departure(index, handshake.cause);
        let client = &mut self.clients[index];
        let log = self.cohorts[client.cohort].log();
        if handshake.cause == Cause::Slow {
            self.counters.dropped_slow += client.backlog.clear(log);
        }
        if let Some(pong) = client.late_pong.take() {
            client.backlog.push(Kind::Control, pong.as_bytes(), log);
        }
        client.backlog.push(Kind::Control, handshake.frame.as_bytes(), log);
        let peer_closed = client.has_closed();
        let was_read = client.is_to_be_read();
        client.state = ClientState::Leaving { deadline_secs, peer_closed };
        self.inbound.forget_unfinished(&mut client.decoder);
        if !was_read {
            // Its own close frame is waited for, or just its end, which may have been announced
            // already.
            self.read_soon(index);
        }
        self.move_to_cohort(index, SILENT);
        self.flush_soon(index);
        self.emit_closed(index, departure, handshake.code, handshake.reason);
    }

    /// Ends a client's connection without a closing handshake. Of what was sent before, the client
    /// gets as much as its socket takes at once, as with Bun.
    pub(super) fn terminate(&mut self, index: ClientIndex, cause: Cause) {
        let client = &mut self.clients[index];
        let (cohort, log) = (client.cohort, self.cohorts[client.cohort].log());
        let was_behind = client.backlog.cursor() != log.head();
        // Whatever comes of it, the client is given up.
        let _ = client.flush(log, &mut self.counters);
        if was_behind {
            // It may have been the last to hold the log: a pass finds out.
            self.passes.schedule(cohort, &mut self.cohorts, 0);
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
        let log = self.cohorts[client.cohort].log();
        self.counters.dropped_closed += client.backlog.messages(log);
        self.departed += client.backlog.delivery_counts(log).closed();
        self.by_key.remove(&client.key);
        let was_behind = client.backlog.cursor() != log.head();
        self.leave_cohort(client.cohort, client.position, was_behind);
        if let Some(mut socket) = client.take_socket(&mut self.counters) {
            // Closing the socket takes it out of epoll even if this should fail.
            let _ = self.parts.poll.registry().deregister(&mut socket);
        }
    }

    /// A connection that breaks after the client's last word was ended by that.
    fn emit_disconnected(&mut self, index: ClientIndex, cause: Cause) {
        let peer_done = self.clients[index].peer_done.take().filter(|_| cause == Cause::Broken);
        match peer_done.and_then(|done| CloseHandshake::after(*done)) {
            Some(CloseHandshake { code, reason, cause, .. }) => {
                self.emit_closed(index, self.departure(index, cause), code, reason);
            }
            None => {
                let reason = if cause == Cause::Idle { IDLE_REASON } else { "" };
                let departure = self.departure(index, cause);
                self.emit_closed(index, departure, close_code::ABNORMAL, reason.to_owned());
            }
        }
    }

    /// Starts to close every client.
    pub(super) fn start_staggered_close(&mut self, CloseAll { why, over }: CloseAll) {
        let open = self.clients.iter().filter(|(_, client)| client.is_open());
        let waiting: VecDeque<ClientKey> = open.map(|(_, client)| client.key).collect();
        let total = waiting.len();
        self.staggered_close =
            Some(StaggeredClose { why, over, began_at: self.now, total, waiting });
    }

    /// Closes as many clients as the staggered_close under way has due.
    pub(super) fn continue_staggered_close(&mut self) {
        let Some(mut staggered_close) = self.staggered_close.take() else { return };
        let left = staggered_close.left_at(self.now);
        while staggered_close.waiting.len() > left {
            let Some(key) = staggered_close.waiting.pop_front() else { break };
            if let Some(&client) = self.by_key.get(&key) {
                self.start_close(
                    client,
                    CloseHandshake::by_application(staggered_close.why.clone()),
                );
            }
        }
        self.staggered_close = (!staggered_close.waiting.is_empty()).then_some(staggered_close);
    }

    /// Tells JavaScript what a client has skipped; later, if JavaScript is behind itself.
    pub(super) fn emit_skipped(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        if let Some(missed) = client.missed.take_if(|_| self.bridge.has_room()) {
            self.bridge.tell(Event::Skipped(client.key, *missed));
        }
    }

    /// What is told of a client's departure. To be asked before what waits for it is dropped.
    fn departure(&self, index: ClientIndex, cause: Cause) -> Departure {
        let client = &self.clients[index];
        let waiting = client.backlog.waiting(self.cohorts[client.cohort].log());
        Departure { cause, waiting: Some(waiting) }
    }

    fn emit_closed(&mut self, index: ClientIndex, departure: Departure, code: u16, reason: String) {
        self.count_closed(departure.cause);
        let client = &mut self.clients[index];
        if let Some(missed) = client.missed.take() {
            // Said at the latest now, room or not: a client closes once.
            self.bridge.tell(Event::Skipped(client.key, *missed));
        }
        self.bridge.tell(Event::Closed { client: client.key, code, reason, departure });
    }

    pub(super) fn count_closed(&mut self, cause: Cause) {
        let counters = &mut self.counters;
        *match cause {
            Cause::App => &mut counters.closed_by_app,
            Cause::Client => &mut counters.closed_by_client,
            Cause::Slow => &mut counters.closed_slow,
            Cause::Idle => &mut counters.closed_idle,
            Cause::Broken => &mut counters.closed_broken,
            Cause::Violation => &mut counters.closed_violation,
            Cause::Failed => &mut counters.closed_failed,
            Cause::Unfinished => &mut counters.closed_unfinished,
        } += 1;
    }
}
