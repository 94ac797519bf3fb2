//! How clients leave: by their own will, by the application's, by ours, or by accident.
//!
//! JavaScript hears of it once, at the moment from which the client hears nothing more. Its socket may
//! linger for the closing handshake, with a deadline.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::backlog::Kind;
use crate::bridge::{Ending, Event};
use crate::client::{Client, ClientIndex, ClientKey, State};
use crate::cohort::SILENT;
use crate::frame::{Frame, Violation};

use super::Worker;

/// How long a client may take to finish the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a farewell closes another few.
pub(super) const FAREWELL_STEP: Duration = Duration::from_millis(5);

const CLOSE_NO_STATUS: u16 = 1005;
const CLOSE_ABNORMAL: u16 = 1006;
const CLOSE_TRY_AGAIN_LATER: u16 = 1013;

/// A closing handshake that is about to begin, or to be answered.
pub(super) struct Goodbye {
    /// What JavaScript is told.
    code: u16,
    reason: String,
    /// What the client is told.
    frame: Frame,
    /// What becomes of the messages that wait for it.
    pending: Pending,
    cause: Cause,
}

/// Why a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The application wants it, or a shutdown.
    App,
    /// It has closed by itself.
    Client,
    /// It was too slow.
    Slow,
    /// It was silent for too long.
    Idle,
    /// Its connection has ended or broken without a closing handshake.
    Broken,
    /// It broke the protocol.
    Violation,
}

/// What becomes of the messages that wait for a client that leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// They are sent before the close frame.
    Deliver,
    /// They are dropped, because the client was slow.
    DropAsSlow,
}

impl Goodbye {
    pub(super) fn by_application(code: u16, reason: String) -> Goodbye {
        let frame = match code {
            CLOSE_NO_STATUS => Frame::close_without_code(),
            code => Frame::close(code, &reason),
        };
        let reason = Frame::close_reason(&reason).to_owned();
        Goodbye { code, reason, frame, pending: Pending::Deliver, cause: Cause::App }
    }

    /// Answers the client's own close frame with the same, or ends it for what it did.
    pub(super) fn after(ending: Ending) -> Goodbye {
        let pending = Pending::Deliver;
        match ending {
            Ending::Close(code, reason) => {
                let frame =
                    code.map_or_else(Frame::close_without_code, |code| Frame::close(code, &reason));
                let code = code.unwrap_or(CLOSE_NO_STATUS);
                Goodbye { code, reason, frame, pending, cause: Cause::Client }
            }
            Ending::Violation(Violation { code, reason }) => {
                let frame = Frame::close(code, reason);
                Goodbye { code, reason: reason.to_owned(), frame, pending, cause: Cause::Violation }
            }
        }
    }

    pub(super) fn too_slow() -> Goodbye {
        let (code, reason) = (CLOSE_TRY_AGAIN_LATER, "slow consumer");
        let frame = Frame::close(code, reason);
        let pending = Pending::DropAsSlow;
        Goodbye { code, reason: reason.to_owned(), frame, pending, cause: Cause::Slow }
    }
}

/// What a sweep has to do for a client.
enum Duty {
    GiveUp,
    Ping,
    TellSkipped,
}

/// The closing of every client, spread over a time.
pub(super) struct Farewell {
    code: u16,
    reason: String,
    over: Duration,
    began_at: Instant,
    total: usize,
    waiting: VecDeque<ClientKey>,
}

impl Farewell {
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
    /// Takes a client out of service and starts, or answers, the closing handshake.
    pub(super) fn say_goodbye(&mut self, index: ClientIndex, goodbye: Goodbye) {
        let client = &mut self.clients[index];
        if !client.is_open() {
            return;
        }
        let log = self.cohorts[client.cohort].log();
        match goodbye.pending {
            Pending::Deliver => {}
            Pending::DropAsSlow => self.tally.dropped_slow += client.backlog.clear(log),
        }
        client.backlog.push(Kind::Control, goodbye.frame.as_bytes(), log);
        let peer_closed = goodbye.cause == Cause::Client;
        client.state = State::Leaving { deadline: self.now + CLOSE_TIMEOUT, peer_closed };
        if std::mem::take(&mut client.paused) | std::mem::take(&mut client.deaf) {
            // Its own close frame is waited for, or the end of its side.
            self.read_soon(index);
        }
        self.move_to_cohort(index, SILENT);
        self.flush_soon(index);
        self.tell_closed(index, goodbye.cause, goodbye.code, goodbye.reason);
    }

    /// Gives a client up: its socket is closed as it is. The cause counts if it was open until now.
    pub(super) fn lose(&mut self, index: ClientIndex, cause: Cause) {
        if self.clients[index].is_open() {
            self.tell_closed(index, cause, CLOSE_ABNORMAL, String::new());
        }
        let mut client = self.clients.remove(index);
        let log = self.cohorts[client.cohort].log();
        self.tally.dropped_closed += client.backlog.messages(log);
        self.departed += client.backlog.ledger(log).closed();
        self.by_key.remove(&client.key);
        self.leave_cohort(client.cohort, client.seat);
        if let Some(mut socket) = client.take_socket(&mut self.tally) {
            // Closing the socket takes it out of epoll even if this should fail.
            let _ = self.poll.registry().deregister(&mut socket);
        }
    }

    /// Starts to close every client.
    pub(super) fn begin_farewell(&mut self, code: u16, reason: String, over: Duration) {
        let open = self.clients.iter().filter(|(_, client)| client.is_open());
        let waiting: VecDeque<ClientKey> = open.map(|(_, client)| client.key).collect();
        let total = waiting.len();
        self.farewell = Some(Farewell { code, reason, over, began_at: self.now, total, waiting });
    }

    /// Closes as many clients as the farewell under way has due.
    pub(super) fn say_farewells(&mut self) {
        let Some(mut farewell) = self.farewell.take() else { return };
        let left = farewell.left_at(self.now);
        while farewell.waiting.len() > left {
            let Some(key) = farewell.waiting.pop_front() else { break };
            if let Some(&client) = self.by_key.get(&key) {
                let reason = farewell.reason.clone();
                self.say_goodbye(client, Goodbye::by_application(farewell.code, reason));
            }
        }
        self.farewell = (!farewell.waiting.is_empty()).then_some(farewell);
    }

    /// Looks at every client once: pings the silent, gives up the dead, and ends handshakes that do not
    /// end by themselves.
    pub(super) fn sweep(&mut self) {
        let due: Vec<(ClientIndex, Duty)> = self
            .clients
            .iter()
            .filter_map(|(index, client)| Some((index, self.duty_to(client)?)))
            .collect();
        for (index, duty) in due {
            match duty {
                Duty::GiveUp => self.lose(index, Cause::Idle),
                Duty::Ping => self.ping(index),
                Duty::TellSkipped => self.tell_skipped(index),
            }
        }
    }

    fn duty_to(&self, client: &Client) -> Option<Duty> {
        if let State::Leaving { deadline, .. } = client.state {
            return (self.now >= deadline).then_some(Duty::GiveUp);
        }
        if client.paused || client.to_read {
            // Nobody listens, by the application's will (see `Worker::pause`) or because JavaScript is
            // behind, so that its silence says nothing.
            return (!client.missed.is_empty()).then_some(Duty::TellSkipped);
        }
        let silence = Duration::from_secs(u64::from(self.now_secs() - client.heard_at_secs));
        match self.limits.idle_timeout {
            Some(idle) if silence >= idle => Some(Duty::GiveUp),
            Some(idle) if silence >= idle / 2 && self.limits.send_pings && !client.pinged => {
                Some(Duty::Ping)
            }
            _ => (!client.missed.is_empty()).then_some(Duty::TellSkipped),
        }
    }

    fn ping(&mut self, index: ClientIndex) {
        let client = &mut self.clients[index];
        // A full socket would not take it, and says already what the ping would ask.
        if !client.blocked {
            client.pinged = true;
            let log = self.cohorts[client.cohort].log();
            client.backlog.push(Kind::Control, Frame::ping(&[]).as_bytes(), log);
            self.flush_soon(index);
        }
    }

    /// Tells JavaScript what a client has skipped; later, if JavaScript is behind itself.
    pub(super) fn tell_skipped(&mut self, index: ClientIndex) {
        if self.bridge.has_room() {
            let client = &mut self.clients[index];
            let missed = std::mem::take(&mut client.missed);
            self.bridge.tell_message(Event::Skipped(client.key, missed), 0);
        }
    }

    fn tell_closed(&mut self, index: ClientIndex, cause: Cause, code: u16, reason: String) {
        self.count_closed(cause);
        let client = &mut self.clients[index];
        let missed = std::mem::take(&mut client.missed);
        if !missed.is_empty() {
            // Said at the latest now, room or not: a client closes once.
            self.bridge.tell(Event::Skipped(client.key, missed));
        }
        self.bridge.tell(Event::Closed { client: client.key, code, reason });
    }

    fn count_closed(&mut self, cause: Cause) {
        let tally = &mut self.tally;
        *match cause {
            Cause::App => &mut tally.closed_by_app,
            Cause::Client => &mut tally.closed_by_client,
            Cause::Slow => &mut tally.closed_slow,
            Cause::Idle => &mut tally.closed_idle,
            Cause::Broken => &mut tally.closed_broken,
            Cause::Violation => &mut tally.closed_violation,
        } += 1;
    }
}
