//! Messages of which frames or bytes are missing: how many of them a worker keeps, and how long.
//!
//! A client may begin a message of the largest size and send nothing but pings from then on. So the
//! unfinished messages of all clients have a budget. Whoever has the largest is closed when it is
//! spent: a client that keeps less than its share of the budget is never the one, however many
//! others attack. And a message has to be whole in a certain time.

use crate::frame::compression::most_compressed;
use crate::frame::{Decoder, Violation, close_code};
use crate::ids::ClientIndex;
use crate::options::ClientLimits;
use crate::worker::client::{Client, PeerDone};

use super::Worker;
use super::inbound::Inbound;

/// The client that was closed for others may well come back when they are gone.
const TOO_MANY: Violation =
    Violation { code: close_code::TRY_AGAIN_LATER, reason: "too many unfinished messages" };
pub(super) const NOT_IN_TIME: Violation =
    Violation { code: close_code::POLICY_VIOLATION, reason: "message not finished in time" };

impl Inbound {
    /// Notes what a client keeps now that kept so much before.
    pub(super) fn note_unfinished(&mut self, before: usize, decoder: &Decoder) {
        self.unfinished_bytes += decoder.unfinished_bytes();
        self.unfinished_bytes -= before;
    }

    /// Keeps no more of what a client has not finished.
    pub(super) fn forget_unfinished(&mut self, decoder: &mut Decoder) {
        self.unfinished_bytes -= decoder.unfinished_bytes();
        decoder.drop_unfinished();
    }

    /// The client is gone.
    pub(super) fn forget(&mut self, client: &mut Client) {
        self.forget_unfinished(&mut client.decoder);
        self.read_ahead_bytes -= client.read_ahead_bytes();
    }
}

impl Worker {
    /// Closes the clients that keep the most until the budget suffices.
    pub(super) fn limit_unfinished(&mut self) {
        while self.inbound.unfinished_bytes > budget(self.limits) {
            let clients = self.clients.iter();
            let kept = clients.map(|(index, client)| (client.decoder.unfinished_bytes(), index));
            let Some((_, largest)) = kept.filter(|(bytes, _)| *bytes > 0).max() else { return };
            self.end_unfinished(largest, TOO_MANY);
        }
    }

    /// Ends a client for a message that it has not finished.
    pub(super) fn end_unfinished(&mut self, index: ClientIndex, why: Violation) {
        self.finish_receiving(index, PeerDone::Unfinished(why));
    }
}

/// One message of the largest size has room, whatever is configured.
fn budget(limits: ClientLimits) -> usize {
    limits.unfinished.bytes.max(most_compressed(limits.max_payload_bytes))
}
