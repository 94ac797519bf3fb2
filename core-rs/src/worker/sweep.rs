//! What is due to clients by the clock: pings for the silent, an end for the dead, and late news.

use std::time::Duration;

use crate::frame::Frame;
use crate::ids::ClientIndex;
use crate::options::ClientLimits;
use crate::worker::client::backlog::Kind;
use crate::worker::client::{Client, ClientState};
use crate::worker::departure::Cause;

use super::unfinished::NOT_IN_TIME;
use super::{SWEEP_INTERVAL, Worker};

/// How long the socket of an accepted client may stay at the door. Its cohort's log is kept for it
/// all that time, and a client that does not read what it was sent before would never let the 101
/// go out.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(10);

/// What a sweep has to do for a client.
enum Duty {
    GiveUp(Cause),
    EndUnfinished,
    Ping,
    EmitSkipped,
}

impl Worker {
    /// Looks at every client once: pings the silent, gives up the dead, and ends handshakes that do
    /// not end by themselves.
    pub(super) fn sweep(&mut self) {
        let (limits, now_secs) = (self.limits, self.now_secs());
        let due: Vec<(ClientIndex, Duty)> = self
            .clients
            .iter_mut()
            .filter_map(|(index, client)| {
                if std::mem::take(&mut client.took) {
                    // As with Bun, a client that takes what it is sent is not silent.
                    client.note_life(now_secs);
                }
                Some((index, duty_to(client, limits, now_secs)?))
            })
            .collect();
        for (index, duty) in due {
            match duty {
                Duty::GiveUp(cause) => self.disconnect(index, cause),
                Duty::EndUnfinished => self.end_unfinished(index, NOT_IN_TIME),
                Duty::Ping => self.ping(index),
                Duty::EmitSkipped => self.emit_skipped(index),
            }
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
}

fn duty_to(client: &mut Client, limits: ClientLimits, now_secs: u32) -> Option<Duty> {
    if let ClientState::Leaving { deadline_secs, .. } = client.state {
        return (now_secs >= deadline_secs).then_some(Duty::GiveUp(Cause::Idle));
    }
    let silence = Duration::from_secs(u64::from(now_secs - client.active_at_secs));
    if !client.has_socket() {
        return (silence >= ATTACH_TIMEOUT).then_some(Duty::GiveUp(Cause::Broken));
    }
    if !client.is_read_from() {
        // Nobody listens, so that its silence says nothing. See `Worker::pause`.
        return client.missed.is_some().then_some(Duty::EmitSkipped);
    }
    // Pings between its frames keep a client, and not what it does not finish.
    let waited = Duration::from_secs(u64::from(client.decoder.wait_a_second()));
    if limits.unfinished.timeout.is_some_and(|timeout| waited >= timeout.max(SWEEP_INTERVAL)) {
        return Some(Duty::EndUnfinished);
    }
    match limits.idle_timeout {
        Some(idle) if silence >= idle => Some(Duty::GiveUp(Cause::Idle)),
        Some(idle) if silence >= idle / 2 && limits.send_pings && !client.pinged => {
            Some(Duty::Ping)
        }
        _ => client.missed.is_some().then_some(Duty::EmitSkipped),
    }
}
