//! What passes between the door and whoever decides on a WebSocket upgrade.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::compression::Compression;

/// Headers in order; a name may stand more than once.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// A client that asks for a WebSocket. The head was checked: it is a proper RFC 6455 request.
pub struct UpgradeRequest {
    /// Path and query, as in the request line.
    pub uri: String,
    /// Every header, in the order of arrival, names in lower case.
    pub headers: Headers,
    /// The client's own address.
    pub peer: SocketAddr,
    /// How the client is to get its messages, if it is accepted.
    pub compression: Compression,
    /// Takes the answer. Dropped without one, the client is told 503.
    pub decide: oneshot::Sender<Decision>,
    /// Its place among those that may be undecided. Given up by the door, it still takes up memory
    /// until somebody has taken it.
    pub(super) _vacancy: Arc<OwnedSemaphorePermit>,
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
    /// Hands over the socket (non-blocking), with the bytes that were read past the request's head.
    fn attach(self: Box<Self>, socket: TcpStream, read_ahead: Bytes);
}
