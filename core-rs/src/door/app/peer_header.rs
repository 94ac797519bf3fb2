//! What the application is told of the client whose request it gets.

use std::net::SocketAddr;

use hyper::header::{HeaderName, HeaderValue};

/// The request header in which the application gets the door's secret and the client's address, as
/// `<secret> <ip> <port>`. Whatever a client puts there is replaced. An upgrade's
/// [`UpgradeRequest`](super::UpgradeRequest) has the address itself.
pub const PEER: HeaderName = HeaderName::from_static(PEER_HEADER);

/// Its name.
pub const PEER_HEADER: &str = "x-shardcast-peer";

/// Tells the application where requests come from. Others may be able to connect to it too, so it
/// believes those alone who know the secret.
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
