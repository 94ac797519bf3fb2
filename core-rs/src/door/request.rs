//! A request's head, whoever has read it: hyper, or the door's own `parser`.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Version};

/// See the module's description.
pub(super) struct RequestHead<'r, F: ?Sized> {
    pub(super) method: &'r str,
    /// Path and query, or `*`.
    pub(super) target: &'r str,
    pub(super) version: Version,
    pub(super) fields: &'r F,
    pub(super) has_body: bool,
}

impl<'r> RequestHead<'r, HeaderMap> {
    /// Of a request that hyper has read.
    pub(super) fn of<B: hyper::body::Body>(request: &'r Request<B>) -> Self {
        RequestHead {
            method: request.method().as_str(),
            target: request.uri().path_and_query().map_or("/", PathAndQuery::as_str),
            version: request.version(),
            fields: request.headers(),
            has_body: !request.body().is_end_stream(),
        }
    }
}

/// The fields of a head.
pub(super) trait Fields {
    /// Every field with its value, in their order. Names may be in any case.
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// The values of one field, in the order of its lines.
    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]>;
}

impl Fields for HeaderMap {
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

impl Fields for [httparse::Header<'_>] {
    fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().map(|field| (field.name, field.value))
    }

    fn values<'f>(&'f self, name: &'f HeaderName) -> impl Iterator<Item = &'f [u8]> {
        let named = self.iter().filter(|field| field.name.eq_ignore_ascii_case(name.as_str()));
        named.map(|field| field.value)
    }
}
