//! A client that waits for the decision on its upgrade with nothing but a socket.
//!
//! It is in a slot that the door and JavaScript's thread share. The thread that takes it out is the
//! only one that decides on it: JavaScript's with a decision, or the door's when the client leaves
//! or the time is over.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::mpsc::UnboundedSender;

use crate::door::accepted_connection::AcceptedConnection;
use crate::door::http::error::HttpError;
use crate::door::upgrade::decision::{Decision, Handoff, Headers, Outcome, Reservation};
use crate::door::upgrade::handshake::{HandshakeResponse, further};

/// Bytes that any new socket has room for. The door sends a longer response: it waits for room.
const SHORT_RESPONSE_BYTES: usize = 4096;

/// Room for a response without cookies.
const USUAL_RESPONSE_BYTES: usize = 320;

/// See the module's description.
pub(crate) struct PendingUpgrade {
    /// Goes back to the door unless the worker sends the response.
    pub(crate) connection: AcceptedConnection,
    /// Bytes of its request's head.
    head_bytes: usize,
    /// The 101 response, but for further fields and the last line.
    response: Vec<u8>,
}

impl PendingUpgrade {
    /// Of a connection whose bytes begin with a proper upgrade, whose head has so many of them.
    pub(crate) fn new(
        connection: AcceptedConnection,
        head_bytes: usize,
        handshake: HandshakeResponse,
    ) -> PendingUpgrade {
        let mut response = Vec::with_capacity(USUAL_RESPONSE_BYTES);
        response.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\n");
        print(handshake.fields(Headers::new()), &mut response);
        PendingUpgrade { connection, head_bytes, response }
    }

    /// Gives the client to its worker, or back to the door with any other response, with a long
    /// one, or if the worker is behind.
    fn complete(mut self, outcome: Outcome, door: &UnboundedSender<AcceptedConnection>) {
        match outcome {
            Ok(Decision::Accept { headers, reservation })
                if is_short(&headers) && !reservation.is_behind() =>
            {
                self.hand_over(headers, reservation);
            }
            outcome => {
                self.connection.outcome = Some(outcome);
                // An error means that the door is closed, and the connection with it.
                let _ = door.send(self.connection);
            }
        }
    }

    fn hand_over(self, headers: Headers, reservation: Box<dyn Reservation>) {
        let PendingUpgrade { connection, head_bytes, mut response } = self;
        print(further(headers), &mut response);
        response.extend_from_slice(b"\r\n");
        let read_ahead = Bytes::copy_from_slice(&connection.received[head_bytes..]);
        reservation.attach(Handoff { socket: connection.socket, response, read_ahead });
    }
}

fn is_short(headers: &Headers) -> bool {
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    bytes.sum::<usize>() <= SHORT_RESPONSE_BYTES
}

fn print(fields: impl Iterator<Item = (HeaderName, HeaderValue)>, response: &mut Vec<u8>) {
    for (name, value) in fields {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            response.extend_from_slice(part);
        }
    }
}

/// Where a pending upgrade is. Filled by the door once, emptied by whichever thread decides.
pub(crate) struct Slot {
    upgrade: Mutex<Option<PendingUpgrade>>,
    /// Takes back the connections that no worker gets.
    door: UnboundedSender<AcceptedConnection>,
}

impl Slot {
    pub(crate) fn new(
        upgrade: PendingUpgrade,
        door: UnboundedSender<AcceptedConnection>,
    ) -> Arc<Slot> {
        Arc::new(Slot { upgrade: Mutex::new(Some(upgrade)), door })
    }

    /// The upgrade, which stays there as long as the guard is held.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Option<PendingUpgrade>> {
        // No panic leaves half an upgrade.
        self.upgrade.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the upgrade out, if it is still there.
    pub(crate) fn take(&self) -> Option<PendingUpgrade> {
        self.lock().take()
    }

    /// Decides on the upgrade; returns whether it was still there.
    pub(crate) fn decide(&self, outcome: Outcome) -> bool {
        let upgrade = self.take();
        upgrade.map(|upgrade| upgrade.complete(outcome, &self.door)).is_some()
    }
}

/// JavaScript's handle of a slot. Dropped, the upgrade ends without a decision.
pub(crate) struct SlotHandle(pub(crate) Arc<Slot>);

impl SlotHandle {
    pub(crate) fn is_pending(&self) -> bool {
        self.0.lock().is_some()
    }

    pub(crate) fn decide(self, decision: Decision) -> bool {
        self.0.decide(Ok(decision))
    }
}

impl Drop for SlotHandle {
    fn drop(&mut self) {
        self.0.decide(Err(HttpError::Undecided));
    }
}
