//! What passes between the door and whoever decides on a WebSocket upgrade.

use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::frame::compression::Compression;

use super::guest::Hold;
use super::heads::Head;

/// Headers in order; a name may stand more than once.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// Names an upgrade that the application was asked about.
pub type AskId = u32;

/// A client that asks for a WebSocket. The head was checked: it is a proper RFC 6455 request.
pub struct UpgradeRequest {
    /// By which the door tells that it is given up.
    pub id: AskId,
    /// Path and query, as in the request line.
    pub uri: String,
    /// Every header.
    pub head: Head,
    /// The client's own address.
    pub peer: SocketAddr,
    /// How the client is to get its messages, if it is accepted.
    pub compression: Compression,
    /// Takes the decision.
    pub pending: PendingUpgrade,
}

/// An upgrade that waits for its decision. Dropped without one, the client is told 503.
pub struct PendingUpgrade {
    whom: Whom,
    /// Its place among those that may be undecided. Given up by the door, it still takes up memory
    /// until somebody has dropped it.
    _vacancy: OwnedSemaphorePermit,
}

/// Who waits for a decision.
pub(super) enum Whom {
    /// A client that has come by the short way.
    Guest(Hold),
    /// A connection's task.
    Connection(oneshot::Sender<Decision>),
}

impl PendingUpgrade {
    pub(super) fn new(whom: Whom, vacancy: OwnedSemaphorePermit) -> PendingUpgrade {
        PendingUpgrade { whom, _vacancy: vacancy }
    }

    /// Whether somebody still waits for the decision.
    pub fn is_awaited(&self) -> bool {
        match &self.whom {
            Whom::Guest(hold) => hold.is_awaited(),
            Whom::Connection(decide) => !decide.is_closed(),
        }
    }

    /// Decides; returns whether somebody waited for it. Otherwise the decision is dropped.
    pub fn decide(self, decision: Decision) -> bool {
        match self.whom {
            Whom::Guest(hold) => hold.decide(decision),
            Whom::Connection(decide) => decide.send(decision).is_ok(),
        }
    }
}

/// The answer to an [`UpgradeRequest`].
pub enum Decision {
    /// Switch protocols, and give the socket to the reservation.
    Accept {
        /// Further headers of the 101 response, such as `set-cookie` or `sec-websocket-protocol`.
        headers: Headers,
        /// The place that waits for the socket.
        reservation: Box<dyn Reservation>,
    },
    /// Answer with this response and stay with HTTP.
    Refuse {
        /// Status code, 200 to 599.
        status: u16,
        /// Headers of the response.
        headers: Headers,
        /// The whole body.
        body: Bytes,
    },
}

/// A place kept with a worker for a client whose socket is still at the door.
///
/// Dropping a reservation without attaching a socket gives the place up.
pub trait Reservation: Send {
    /// Whether the worker has so much to do that the client had better be told by the door that it
    /// is accepted.
    fn is_behind(&self) -> bool;

    /// Takes the client over.
    fn attach(self: Box<Self>, entrant: Entrant);
}

/// An accepted client that leaves the door for its worker.
pub struct Entrant {
    /// Non-blocking.
    pub socket: TcpStream,
    /// What it is to be told before anything else: the 101 response. Empty if the door has told it.
    pub answer: Vec<u8>,
    /// What was read past the request's head.
    pub read_ahead: Bytes,
}

impl Entrant {
    /// One that the door has told.
    pub fn told(socket: TcpStream, read_ahead: Bytes) -> Entrant {
        Entrant { socket, answer: Vec::new(), read_ahead }
    }
}
