//! Messages to one client, and what the application learns of those that wait.
//!
//! The sequencer never waits for a worker to write, so it knows a socket's state late. What an
//! application relies on holds nevertheless, as with Bun:
//!
//! - No message is refused but directly after one that was answered with [`Sent::Behind`].
//! - Whatever showed backpressure (an amount above 0, `Behind`, a refusal) is followed by one
//!   `Drained`, once the client has taken all that waits. The question for it goes through the
//!   worker's queue, behind the messages that it is about, so that no drain is missed.

use std::sync::atomic::Ordering;

use crate::frame::{Frame, Payload};
use crate::ids::ClientKey;
use crate::worker::command::Command;

use super::Broadcaster;
use super::registration::Registration;

/// What an empty socket takes at once: the largest send buffer that Linux gives by default
/// (`tcp_wmem`). While a client's socket is not known to be full, so much may wait for its worker
/// without a sign of backpressure, and beyond the limit: Bun would have written it already.
const UNTRIED_BYTES: usize = 4 * 1024 * 1024;

/// What became of a direct message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Queued,
    /// It waits: the client's socket refuses bytes, or would not take so many.
    Behind,
    /// It was dropped: the client is gone, or lets too much wait.
    Dropped,
}

impl Broadcaster {
    /// Sends a message to one client, after all that was published or sent to it before.
    pub fn send(&mut self, client: ClientKey, payload: Payload<'_>, compress: bool) -> Sent {
        let frame = self.framed(payload, compress);
        self.direct(client, frame, Command::Send)
    }

    /// Sends a ping or pong to one client, as [`Broadcaster::send`] sends a message.
    pub fn control(&mut self, client: ClientKey, frame: Frame) -> Sent {
        self.direct(client, frame, Command::Control)
    }

    /// Answers a ping of which [`Event::Ping`](crate::event_queue::Event::Ping) says that its
    /// worker has not. One at a time waits for a client whose socket is full.
    pub fn answer_ping(&self, client: ClientKey, payload: &[u8]) {
        if let Some(registration) = self.clients.get(client) {
            let pong = Box::new(Frame::pong(payload));
            self.command(registration.place.worker, Command::Pong(client, pong));
        }
    }

    fn direct(
        &mut self,
        client: ClientKey,
        frame: Frame,
        command: impl FnOnce(ClientKey, Box<Frame>) -> Command,
    ) -> Sent {
        let limit = self.options.backpressure_limit_bytes;
        let Some(registration) = self.clients.get_mut(client).filter(|client| !client.closing)
        else {
            return Sent::Dropped;
        };
        let sent = registration.count_direct(frame.encoded_len(), limit);
        let worker = registration.place.worker;
        if sent != Sent::Dropped {
            self.command(worker, command(client, Box::new(frame)));
        } else if self.options.close_on_backpressure_limit {
            self.terminate_slow(client);
            return sent;
        }
        if sent != Sent::Queued {
            self.ask_for_drain(client);
        }
        sent
    }

    /// Bytes of direct messages that wait for a client. An application that sees some may wait for
    /// the drain.
    pub fn buffered(&mut self, client: ClientKey) -> usize {
        let Some(registration) = self.clients.get(client) else { return 0 };
        let bytes = registration.pressure.direct_bytes.load(Ordering::Relaxed);
        if bytes > 0 {
            self.ask_for_drain(client);
        }
        bytes
    }

    /// Has the application told when the client has taken all that waits. Once until it is: an
    /// application that sends in a loop must not fill the worker's queue with the question.
    fn ask_for_drain(&mut self, client: ClientKey) {
        let Some(registration) = self.clients.get_mut(client) else { return };
        if !std::mem::replace(&mut registration.awaits_drain, true) {
            let worker = registration.place.worker;
            self.command(worker, Command::NotifyDrained(client));
        }
    }

    /// Stops reading from a client, or goes on.
    pub fn pause(&mut self, client: ClientKey, paused: bool) {
        if let Some(registration) = self.clients.get(client) {
            self.command(registration.place.worker, Command::Pause(client, paused));
        }
    }
}

impl Registration {
    /// Counts a message of so many bytes to this client alone, unless too much waits before it.
    fn count_direct(&mut self, bytes: usize, limit: usize) -> Sent {
        // The worker may write meanwhile, so that both are at worst too high: `Relaxed` is enough,
        // for an answer of `Behind` or `Dropped` that was true a moment ago is followed by a drain.
        let full = self.pressure.refused.load(Ordering::Relaxed);
        let waiting = self.pressure.direct_bytes.load(Ordering::Relaxed);
        let limit = if full { limit } else { limit.saturating_add(UNTRIED_BYTES) };
        // Of any length: what counts is what waits before it, as with Bun. That the socket is full
        // may become known between two messages; then the application is warned by this one.
        if waiting > limit && self.was_behind {
            return Sent::Dropped;
        }
        let waiting = self.pressure.direct_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.was_behind = full || waiting > UNTRIED_BYTES;
        if self.was_behind { Sent::Behind } else { Sent::Queued }
    }
}
