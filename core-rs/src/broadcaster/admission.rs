//! A client between the decision to accept it and the arrival of its socket.

use crate::door::{Handoff, Reservation};
use crate::ids::ClientKey;
use crate::worker::Mailbox;
use crate::worker::command::Command;

/// A client whose upgrade was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its key.
    pub client: ClientKey,
    /// Where it lives, counted over all shards.
    pub worker: usize,
}

/// Why an upgrade was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAccepted {
    /// The client's shard holds as many as it may, or the server closes.
    ShardFull,
    /// The upgrade was decided already, or its client has gone.
    UpgradeGone,
}

/// The place that a worker keeps for a client. Dropped without a socket, it gives the client up,
/// whose worker then closes it.
pub struct Admission {
    key: ClientKey,
    mailbox: Mailbox,
    attached: bool,
}

impl Admission {
    pub(crate) fn new(key: ClientKey, mailbox: Mailbox) -> Admission {
        Admission { key, mailbox, attached: false }
    }

    /// The client's name.
    pub fn key(&self) -> ClientKey {
        self.key
    }
}

/// Share of its queue past which a worker is behind. A client that waits for its 101 waits for what
/// is in the queue before it.
const BEHIND: f64 = 0.01;

impl Reservation for Admission {
    fn is_behind(&self) -> bool {
        self.mailbox.queue().load() > BEHIND
    }

    fn attach(mut self: Box<Self>, handoff: Handoff) {
        self.attached = true;
        self.mailbox.push(Command::Attach(self.key, Box::new(handoff)));
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if !self.attached {
            self.mailbox.push(Command::Abandon(self.key));
        }
    }
}
