//! The header by which the application learns the client's address.

use std::net::SocketAddr;

use hyper::header::{HeaderName, HeaderValue};

/// The request header in which the application gets the door's secret and the client's address, as
/// `<secret> <ip> <port>`. Whatever a client puts there is replaced. An upgrade's
/// [`UpgradeRequest`](super::UpgradeRequest) has the address itself.
pub const PEER: HeaderName = HeaderName::from_static(PEER_HEADER);

/// Its name.
pub const PEER_HEADER: &str = "x-shardcast-peer";

/// Makes the header. Other processes may be able to connect to the application too, so that it
/// believes a header with the secret alone.
pub(crate) struct PeerHeader {
    secret: String,
}

impl PeerHeader {
    pub(crate) fn new(secret: String) -> PeerHeader {
        PeerHeader { secret }
    }

    /// The value of [`PEER`] for a client.
    pub(crate) fn of(&self, peer: SocketAddr) -> HeaderValue {
        let value = format!("{} {} {}", self.secret, peer.ip(), peer.port());
        let mut value = HeaderValue::try_from(value).expect("the secret and addresses are ASCII");
        value.set_sensitive(true);
        value
    }
}
