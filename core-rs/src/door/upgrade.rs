//! WebSocket upgrades: the door checks them, sends them to the application, and answers.

pub(super) mod decision;
mod extensions;
pub(super) mod gate;
pub(super) mod handshake;
pub(super) mod header_templates;
pub(super) mod refused;
pub(super) mod request;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use decision::{Decision, Outcome, Reservation};
use gate::{SentUpgrade, UnsentUpgrade, UpgradeGate};
use handshake::HandshakeResponse;
use refused::RefusalCounters;
use request::WaitingClient;

use crate::door::config::DoorConfig;
use crate::door::events::Emitter;
use crate::door::http::error::HttpError;
use crate::door::http::headers::Fields;
use crate::door::http::request::RequestHead;

/// The door's upgrades.
pub(crate) struct Upgrades {
    gate: UpgradeGate,
    refused: Arc<RefusalCounters>,
    per_message_deflate: bool,
}

/// A response to an upgrade, and the reservation that waits for the socket if it is accepted.
pub(crate) type Answered = (Response<Full<Bytes>>, Option<Box<dyn Reservation>>);

impl Upgrades {
    pub(crate) fn new(
        config: &DoorConfig,
        emitter: Emitter,
        refused: Arc<RefusalCounters>,
    ) -> Upgrades {
        let gate = UpgradeGate::new(emitter, config.max_pending_upgrades, config.upgrade_timeout);
        Upgrades { gate, refused, per_message_deflate: config.per_message_deflate }
    }

    /// Checks a request that asks for a WebSocket; returns the response if it is accepted.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub(crate) fn check<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
    ) -> Result<HandshakeResponse, HttpError> {
        HandshakeResponse::to(request, self.per_message_deflate)
    }

    /// Takes one of the places for undecided upgrades.
    ///
    /// # Errors
    ///
    /// When none is left.
    pub(crate) fn admit<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
        peer: SocketAddr,
        handshake: &HandshakeResponse,
    ) -> Result<UnsentUpgrade, HttpError> {
        self.gate.admit(request, peer, handshake.form())
    }

    /// Sends the request to the application, which may have decided when this returns.
    pub(crate) fn send(&self, unsent: UnsentUpgrade, waiting: WaitingClient) -> SentUpgrade {
        self.gate.send(unsent, waiting)
    }

    /// Answers a request that asks for a WebSocket, with the outcome if that is known already.
    ///
    /// # Errors
    ///
    /// Why the door refuses it by itself.
    pub(crate) async fn answer<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
        peer: SocketAddr,
        outcome: Option<Outcome>,
    ) -> Result<Answered, HttpError> {
        let handshake = self.check(request)?;
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => self.gate.decision(self.admit(request, peer, &handshake)?).await,
        };
        Ok(match outcome? {
            Decision::Accept { headers, reservation } => {
                (handshake.accept(headers), Some(reservation))
            }
            Decision::Refuse { status, headers, body } => {
                (handshake::refuse(status, headers, body), None)
            }
        })
    }

    /// Counts an upgrade that the door refuses by itself.
    pub(crate) fn count_refused(&self, error: HttpError) {
        self.refused.count(error);
    }
}
