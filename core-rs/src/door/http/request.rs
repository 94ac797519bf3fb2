//! A request's head, read by hyper or by the door's own `parser`.

use hyper::header::{self, HeaderMap};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Version};

use crate::door::http::headers::{Fields, has_token};

/// See the module's description.
pub(crate) struct RequestHead<'r, F: ?Sized> {
    pub(crate) method: &'r str,
    /// Path and query, or `*`.
    pub(crate) target: &'r str,
    pub(crate) version: Version,
    pub(crate) fields: &'r F,
    pub(crate) has_body: bool,
}

impl<'r> RequestHead<'r, HeaderMap> {
    /// Of a request that hyper has read.
    pub(crate) fn of<B: hyper::body::Body>(request: &'r Request<B>) -> Self {
        RequestHead {
            method: request.method().as_str(),
            target: request.uri().path_and_query().map_or("/", PathAndQuery::as_str),
            version: request.version(),
            fields: request.headers(),
            has_body: !request.body().is_end_stream(),
        }
    }
}

impl<F: Fields + ?Sized> RequestHead<'_, F> {
    /// Whether it asks for a WebSocket, properly or not. Another protocol in `Upgrade`, an
    /// `Upgrade` that `Connection` does not announce, another method than GET, or HTTP/1.0 asks for
    /// nothing: HTTP has such a field ignored (RFC 9110, section 7.8).
    pub(crate) fn asks_for_websocket(&self) -> bool {
        self.method == "GET"
            && self.version == Version::HTTP_11
            && has_token(self.fields, &header::UPGRADE, "websocket")
            && has_token(self.fields, &header::CONNECTION, "upgrade")
    }
}
