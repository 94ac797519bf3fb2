//! The clients to read from, and what is kept of what was read.
//!
//! A client may begin a message of the largest size and send nothing but pings from then on. So the
//! unfinished messages of all clients have a budget. When it is spent, the client with the largest
//! is closed: one that keeps less than its share of the budget is never closed for it, however many
//! others attack.

use std::collections::VecDeque;

use bytes::BytesMut;

use crate::frame::Decoder;
use crate::frame::compression::most_compressed;
use crate::ids::ClientIndex;
use crate::options::ClientLimits;
use crate::worker::client::Client;

/// Bytes read at once.
pub(super) const READ_BYTES: usize = 64 * 1024;
/// The same while much that was read is not decoded yet.
const FEWER_READ_BYTES: usize = 1024;
/// What that is: many clients have sent more small frames at once than they may in one turn.
const MUCH_READ_AHEAD_BYTES: usize = 8 * 1024 * 1024;

/// See the module's description.
#[derive(Default)]
pub(super) struct Inbound {
    /// A client stands here once; see `Receiving::to_read`.
    to_read: VecDeque<ClientIndex>,
    /// What was read of all clients and is not decoded yet.
    read_ahead_bytes: usize,
    /// What is kept of all their unfinished messages: of which frames or bytes are missing.
    unfinished_bytes: usize,
}

impl Inbound {
    /// Number of clients to read from.
    pub(super) fn len(&self) -> usize {
        self.to_read.len()
    }

    /// How much is read at once.
    pub(super) fn read_bytes(&self) -> usize {
        let much = self.read_ahead_bytes >= MUCH_READ_AHEAD_BYTES;
        if much { FEWER_READ_BYTES } else { READ_BYTES }
    }

    /// Has a client read from in one of the next turns.
    pub(super) fn read_soon(&mut self, index: ClientIndex, client: &mut Client) {
        if !std::mem::replace(&mut client.receiving.to_read, true) {
            self.to_read.push_back(index);
        }
    }

    /// Takes the next client of [`Inbound::read_soon`].
    pub(super) fn next_to_read(&mut self) -> Option<ClientIndex> {
        self.to_read.pop_front()
    }

    /// Stops reading from a client, so that the network holds it back, or goes on. Its silence is
    /// not held against it meanwhile.
    pub(super) fn pause(
        &mut self,
        index: ClientIndex,
        client: &mut Client,
        paused: bool,
        now_secs: u32,
    ) {
        client.receiving.paused = paused && client.is_open();
        client.active_at_secs = now_secs;
        if !client.receiving.paused {
            // What has arrived was announced while the client was not read from.
            self.read_soon(index, client);
        }
    }

    /// Keeps what a client's turn has left for its next one.
    pub(super) fn read_later(&mut self, index: ClientIndex, client: &mut Client, bytes: BytesMut) {
        self.read_ahead_bytes += bytes.len();
        client.receiving.read_later(bytes);
        self.read_soon(index, client);
    }

    /// Takes what was kept of a client for its turn, and has the client read from again: no event
    /// announces what was kept, nor what has arrived behind it.
    pub(super) fn take_read_ahead(
        &mut self,
        index: ClientIndex,
        client: &mut Client,
    ) -> Option<BytesMut> {
        let bytes = client.receiving.take_read_ahead()?;
        self.read_ahead_bytes -= bytes.len();
        self.read_soon(index, client);
        Some(bytes)
    }

    /// Notes what a client keeps now that kept so much before.
    pub(super) fn note_unfinished(&mut self, before: usize, decoder: &Decoder) {
        self.unfinished_bytes += decoder.unfinished_bytes();
        self.unfinished_bytes -= before;
    }

    /// Whether all unfinished messages together pass their budget. One message of the largest size
    /// has room, whatever is configured.
    pub(super) fn is_past_budget(&self, limits: &ClientLimits) -> bool {
        let budget = limits.unfinished.bytes.max(most_compressed(limits.max_payload_bytes));
        self.unfinished_bytes > budget
    }

    /// Keeps no more of what a client has not finished.
    pub(super) fn forget_unfinished(&mut self, decoder: &mut Decoder) {
        self.unfinished_bytes -= decoder.unfinished_bytes();
        decoder.drop_unfinished();
    }

    /// The client is gone.
    pub(super) fn forget(&mut self, client: &mut Client) {
        self.forget_unfinished(&mut client.receiving.decoder);
        self.read_ahead_bytes -= client.receiving.read_ahead_bytes();
    }
}
