//! From the logs to the sockets, and what follows from how a write went.

use crate::event_queue::Event;
use crate::ids::ClientIndex;
use crate::options::{ClientLimits, SlowPolicy};
use crate::worker::client::{ClientState, Flushed};
use crate::worker::cohort::log::Lag;
use crate::worker::departure::Cause;

use super::close_handshake::CloseHandshake;
use super::lifecycle::Lifecycle;

/// What a slice may cost. A write is a system call of several microseconds, a look only memory.
const SLICE_BUDGET: usize = 1024;
pub(super) const WRITE_COST: usize = 8;
const LOOK_COST: usize = 1;
/// Writes outside of passes in one turn: no more than a slice has.
const FLUSHES_PER_TURN: usize = SLICE_BUDGET / WRITE_COST;

/// Writes to clients. A client that is slow, done or broken may have to go.
pub(super) struct Flushing<'a> {
    pub(super) lifecycle: Lifecycle<'a>,
    pub(super) limits: &'a ClientLimits,
}

impl Flushing<'_> {
    /// Goes on with the passes that are due; true when it left some.
    pub(super) fn send_slice(&mut self) -> bool {
        let mut budget = SLICE_BUDGET;
        while budget > 0 {
            let Lifecycle { clients, outbound, telemetry, .. } = &mut self.lifecycle;
            let Some(index) = outbound.next_visit(clients, telemetry) else { return false };
            let client = &mut clients[index];
            let was_blocked = client.blocked;
            let flushed = outbound.visit(client, &mut telemetry.counters);
            let wrote = !was_blocked && flushed.is_some();
            budget = budget.saturating_sub(if wrote { WRITE_COST } else { LOOK_COST });
            if let Some(flushed) = flushed {
                self.settle(index, flushed);
            }
        }
        true
    }

    /// Writes to the clients that are listed for it; true when it left some.
    pub(super) fn flush_listed(&mut self) -> bool {
        for _ in 0..FLUSHES_PER_TURN {
            let Lifecycle { clients, outbound, .. } = &mut self.lifecycle;
            let Some(index) = outbound.next_to_flush() else { return false };
            let Some(client) = clients.get_mut(index) else { continue };
            // Cleared already, the place was given to another client since.
            if std::mem::take(&mut client.to_flush) && !client.blocked {
                self.flush(index);
            }
        }
        self.lifecycle.outbound.has_to_flush()
    }

    /// Writes to a client all that waits for it, and sees to what follows from how that went.
    pub(super) fn flush(&mut self, index: ClientIndex) {
        let Lifecycle { clients, outbound, telemetry, .. } = &mut self.lifecycle;
        let flushed = outbound.flush(index, &mut clients[index], &mut telemetry.counters);
        self.settle(index, flushed);
    }

    #[inline]
    fn settle(&mut self, index: ClientIndex, flushed: Flushed) {
        match flushed {
            Flushed::All => self.note_flushed(index),
            Flushed::Blocked => self.check_slow(index),
            Flushed::Broken(_) => self.lifecycle.disconnect(index, Cause::Broken),
        }
    }

    #[inline]
    fn note_flushed(&mut self, index: ClientIndex) {
        let client = &mut self.lifecycle.clients[index];
        match client.state {
            ClientState::Open => {
                if std::mem::take(&mut client.notify_drained) {
                    // At most one for each direct message that had to wait.
                    self.lifecycle.event_queue.emit(Event::Drained(client.key));
                }
            }
            ClientState::Leaving { peer_closed: true, .. } => {
                self.lifecycle.disconnect(index, Cause::Client);
            }
            ClientState::Leaving { peer_closed: false, .. } => client.shut_down_writing(),
        }
    }

    /// Applies the slow-client policy to a client whose socket refuses bytes.
    fn check_slow(&mut self, index: ClientIndex) {
        let Lifecycle { clients, outbound, telemetry, .. } = &mut self.lifecycle;
        let client = &mut clients[index];
        if !client.is_open() || !client.blocked {
            return;
        }
        let log = outbound.log_of(client);
        if client.backlog.lag(log).is_within(self.limits.lag, client.lag_allowance) {
            return;
        }
        match self.limits.slow {
            SlowPolicy::Disconnect => {
                self.lifecycle.start_close(index, CloseHandshake::too_slow());
            }
            SlowPolicy::Skip => {
                telemetry.counters.dropped_skipped += client.backlog.skip(log, &mut client.missed);
                client.lag_allowance = Lag::default();
                self.lifecycle.emit_skipped(index);
            }
        }
    }

    /// Closes a client whose peer is done, as that demands.
    pub(super) fn finish(&mut self, index: ClientIndex) {
        let Some(peer_done) = self.lifecycle.clients[index].receiving.peer_done.as_deref() else {
            return;
        };
        match CloseHandshake::after(peer_done.clone()) {
            Some(handshake) => self.lifecycle.start_close(index, handshake),
            None => self.disconnect_after_flush(index),
        }
    }

    /// Gives up a client that has ended its side, and may still read what is ready for it.
    pub(super) fn disconnect_after_flush(&mut self, index: ClientIndex) {
        let key = self.lifecycle.clients[index].key;
        self.flush(index);
        if self.lifecycle.clients.get(index).is_some_and(|client| client.key == key) {
            self.lifecycle.disconnect(index, Cause::Broken);
        }
    }
}
