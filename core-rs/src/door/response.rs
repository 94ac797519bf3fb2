//! The bodies of the door's responses.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::exchange::Download;

/// The door's own words, or the application's as they come.
pub(super) type Body = Either<Full<Bytes>, Download>;

/// A response of one line.
pub(super) fn text(status: StatusCode, line: &'static str) -> Response<Body> {
    let mut response = whole(status, Bytes::from_static(line.as_bytes()));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// A response whose body is here.
pub(super) fn whole(status: StatusCode, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(body)));
    *response.status_mut() = status;
    response
}
