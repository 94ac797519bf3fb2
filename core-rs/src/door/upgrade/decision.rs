//! The decision on a WebSocket upgrade, and where it takes the client's socket.

use std::net::TcpStream;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};

use crate::door::http::error::HttpError;

/// Names an upgrade between the door and the sequencer. Later it may name another.
pub type UpgradeId = u32;

/// Headers in order; a name may stand more than once.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// The application's decision on an upgrade.
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

/// A decision, or why the door refuses the upgrade by itself.
pub(crate) type Outcome = Result<Decision, HttpError>;

/// A place kept with a worker for a client whose socket is still at the door.
///
/// Dropping a reservation without attaching a socket gives the place up.
pub trait Reservation: Send {
    /// Whether the worker's queue is so long that the door had better send the 101 response.
    fn is_behind(&self) -> bool;

    /// Takes the client over.
    fn attach(self: Box<Self>, handoff: Handoff);
}

/// An accepted client that leaves the door for its worker.
pub struct Handoff {
    /// Non-blocking.
    pub socket: TcpStream,
    /// The 101 response, which the worker sends before anything else. Empty if the door has sent
    /// it.
    pub response: Vec<u8>,
    /// What was read past the request's head.
    pub read_ahead: Bytes,
}

impl Handoff {
    /// A client that has got its 101 response from the door.
    pub fn answered(socket: TcpStream, read_ahead: Bytes) -> Handoff {
        Handoff { socket, response: Vec::new(), read_ahead }
    }
}
