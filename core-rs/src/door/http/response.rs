//! The door's own responses.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use crate::door::http::error::HttpError;
use crate::door::http::headers::{WEBSOCKET_VERSION, offer_websocket};

/// The response to a request that the door refuses.
pub(crate) fn of_error(error: HttpError) -> Response<Full<Bytes>> {
    let mut response = text(error.status(), error.message());
    let headers = response.headers_mut();
    match error.status() {
        StatusCode::UPGRADE_REQUIRED => {
            offer_websocket(headers);
            headers
                .insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(WEBSOCKET_VERSION));
        }
        // What follows a request that is not understood may not be one, and the rest of a body
        // that is too long is not waited for.
        StatusCode::BAD_REQUEST
        | StatusCode::URI_TOO_LONG
        | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
        | StatusCode::HTTP_VERSION_NOT_SUPPORTED
        | StatusCode::NOT_IMPLEMENTED
        | StatusCode::PAYLOAD_TOO_LARGE => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

/// A response of one line.
fn text(status: StatusCode, line: &'static str) -> Response<Full<Bytes>> {
    let mut response = whole(status, Bytes::from_static(line.as_bytes()));
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// A response whose body is here.
pub(crate) fn whole(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
