//! What the door asks the application about a WebSocket upgrade.

use std::net::SocketAddr;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::frame::form::Form;

use crate::door::fast_path::pending_upgrade::SlotHandle;
use crate::door::upgrade::decision::{Decision, UpgradeId};
use crate::door::upgrade::header_templates::TemplatedHeaders;

/// A client that asks for a WebSocket. The head was checked: it is a proper RFC 6455 request.
pub struct UpgradeRequest {
    /// By which the door reports that it has given the upgrade up.
    pub id: UpgradeId,
    /// Path and query, as in the request line.
    pub uri: String,
    /// Every header.
    pub headers: TemplatedHeaders,
    /// The client's own address.
    pub peer: SocketAddr,
    /// How the client gets its messages, if it is accepted.
    pub form: Form,
    /// Takes the decision.
    pub responder: Responder,
}

/// Takes the decision on one upgrade. Dropped without one, the client gets 503.
pub struct Responder {
    waiting: WaitingClient,
    /// One of the gate's permits. An upgrade that the door has given up still takes up memory until
    /// its responder is dropped.
    _permit: OwnedSemaphorePermit,
}

/// Where a client waits for the decision.
pub(crate) enum WaitingClient {
    /// In a slot of the fast path.
    InSlot(SlotHandle),
    /// In its connection's task.
    InTask(oneshot::Sender<Decision>),
}

impl Responder {
    pub(crate) fn new(waiting: WaitingClient, permit: OwnedSemaphorePermit) -> Responder {
        Responder { waiting, _permit: permit }
    }

    /// Whether the client still waits for the decision.
    pub fn is_awaited(&self) -> bool {
        match &self.waiting {
            WaitingClient::InSlot(slot) => slot.is_pending(),
            WaitingClient::InTask(decide) => !decide.is_closed(),
        }
    }

    /// Decides; returns whether the client still waited. Otherwise the decision is dropped.
    pub fn decide(self, decision: Decision) -> bool {
        match self.waiting {
            WaitingClient::InSlot(slot) => slot.decide(decision),
            WaitingClient::InTask(decide) => decide.send(decision).is_ok(),
        }
    }
}
