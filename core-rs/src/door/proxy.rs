//! Plain HTTP, passed on to the application.
//!
//! Bodies stream both ways as they come. A client that leaves takes its request to the application
//! with it, and an application that breaks off ends the client's connection, before its answer or
//! in the middle. How long a response may take is for the application to say: it may be a stream of
//! events that lasts for days. It also says how long the body of a request may be, but the door
//! refuses a longer one itself: the client is then told for sure, at once, and may finish
//! (`lingering_close`).

use std::error::Error;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::{Either, LengthLimitError};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use tokio::net::UnixStream;

use super::app_connections::{AppConnections, LentConnection, NoConnection, Unanswered};
use super::body::Body;
use super::download::Download;
use super::events::RequestFailure;
use super::failures::Failures;
use super::headers::{remove_connection_fields, replace_connection_fields};
use super::http_error::HttpError;
use super::peer_header::PEER;
use super::upload::Upload;
use super::upstream::Upstream;

/// The host that is taken for the one of a client of HTTP/1.0 that names none.
const HOST: HeaderValue = HeaderValue::from_static("localhost");

/// How long an idle connection is kept at most.
const MAX_IDLE_TIME: Duration = Duration::from_secs(5);

/// How much earlier than the application is an idle connection closed, so that a request does not
/// meet one that is just being closed. Bun counts in steps of 4 s, and is early by up to one.
const HEADWAY: Duration = Duration::from_secs(5);

/// Why a request has no response of the application's.
pub(super) enum Failure {
    /// The client is to be told.
    HttpError(HttpError),
    /// The application has ended its connection instead of an answer, and the client's is to end
    /// so.
    BrokenOff,
}

impl From<HttpError> for Failure {
    fn from(http_error: HttpError) -> Failure {
        Failure::HttpError(http_error)
    }
}

/// The way to the application.
pub(super) struct Proxy {
    connections: AppConnections,
    max_body_bytes: usize,
    failures: Rc<Failures>,
}

impl Proxy {
    /// `idle_timeout` is the application's for its own connections.
    pub(super) fn new(
        upstream: Upstream,
        max_requests: usize,
        max_body_bytes: usize,
        idle_timeout: Option<Duration>,
        failures: Rc<Failures>,
    ) -> Proxy {
        let connections = AppConnections::new(upstream, max_requests, idle_time(idle_timeout));
        Proxy { connections, max_body_bytes, failures }
    }

    /// Looks after the connections to the application, for ever.
    pub(super) async fn keep(&self) {
        self.connections.expire().await;
    }

    /// A connection to the application that is nobody else's.
    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        self.connections.connect().await
    }

    /// The body of a response that has come by such a connection.
    pub(super) fn download(&self, body: Incoming) -> Download {
        Download::new(body, None, Rc::clone(&self.failures))
    }

    /// Passes a request on; returns the application's response.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) async fn forward(
        &self,
        request: Request<Incoming>,
        peer: HeaderValue,
    ) -> Result<Response<Body>, Failure> {
        if request.body().size_hint().lower() > self.max_body_bytes as u64 {
            return Err(HttpError::BodyTooLong.into());
        }
        let request = outbound(request, peer, self.max_body_bytes);
        let (response, connection) = self.exchange(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Nobody has asked for it: the door keeps `Upgrade` to itself.
            return Err(self.unusable("101 Switching Protocols without an upgrade request"));
        }
        Ok(inbound(response.map(|body| Download::new(body, connection, Rc::clone(&self.failures)))))
    }

    /// Sends a request, and a second time over a new connection if the application has closed the
    /// first without having acted on it, as it may do with one that was idle.
    async fn exchange(
        &self,
        request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Option<LentConnection>), Failure> {
        let repeat = repeatable(&request);
        let connection = self
            .connections
            .lend()
            .await
            .map_err(|no_connection| self.no_connection(no_connection))?;
        let was_used = connection.is_used();
        let again = match (connection.send(request).await, repeat) {
            (Ok(answer), _) => return Ok(answer),
            (Err(Unanswered { unsent: Some(request), .. }), _) if was_used => request,
            (Err(Unanswered { is_unread: true, .. }), Some(repeat)) => repeat,
            (Err(unanswered), _) => return Err(self.failure(&unanswered.error)),
        };
        let connection = self
            .connections
            .lend_new()
            .await
            .map_err(|no_connection| self.no_connection(no_connection))?;
        connection.send(again).await.map_err(|unanswered| self.failure(&unanswered.error))
    }

    fn no_connection(&self, no_connection: NoConnection) -> Failure {
        match no_connection {
            NoConnection::Busy => {
                self.failures.note(RequestFailure::Busy, "");
                HttpError::Busy.into()
            }
            NoConnection::Unreachable(error) => {
                self.failures.note(RequestFailure::Unreachable, error);
                HttpError::Unreachable.into()
            }
        }
    }

    fn unusable(&self, reason: &str) -> Failure {
        self.failures.note(RequestFailure::Unusable, reason);
        HttpError::UnusableAnswer.into()
    }

    /// Why there is no response.
    fn failure(&self, error: &hyper::Error) -> Failure {
        if error.is_parse() {
            return self.unusable(&error.to_string());
        }
        // Of our side of the exchange, only the client's body can fail.
        if error.is_user() {
            return match error.source() {
                Some(source) if source.is::<LengthLimitError>() => HttpError::BodyTooLong.into(),
                _ => HttpError::BrokenBody.into(),
            };
        }
        self.failures.note(RequestFailure::BrokenOff, error);
        Failure::BrokenOff
    }
}

/// How long an idle connection to the application is kept. Zero is until the next request.
fn idle_time(of_application: Option<Duration>) -> Duration {
    of_application.map_or(MAX_IDLE_TIME, |time| time.saturating_sub(HEADWAY).min(MAX_IDLE_TIME))
}

/// The request as the application is to see it.
fn outbound(
    request: Request<Incoming>,
    peer: HeaderValue,
    max_body_bytes: usize,
) -> Request<Upload> {
    let (Parts { method, uri, mut headers, .. }, body) = request.into_parts();
    remove_connection_fields(&mut headers);
    // The door has answered it: hyper sends 100 Continue as soon as the body is read.
    headers.remove(header::EXPECT);
    headers.entry(header::HOST).or_insert(HOST);
    headers.insert(PEER, peer);
    if !body.is_end_stream() {
        frame(&mut headers, body.size_hint().exact());
    }
    let mut request = Request::new(Upload::new(body, max_body_bytes));
    *request.method_mut() = method;
    *request.uri_mut() = outbound_uri(uri);
    *request.headers_mut() = headers;
    request
}

/// Says how long a body is, once and in one way: by its length, if that is known.
fn frame(headers: &mut HeaderMap, length: Option<u64>) {
    match length {
        Some(length) => {
            headers.insert(header::CONTENT_LENGTH, length.into());
        }
        // Left to itself, hyper would take a GET to have no body.
        None => {
            headers.remove(header::CONTENT_LENGTH);
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// The target without scheme and authority.
fn outbound_uri(uri: Uri) -> Uri {
    let target = uri.into_parts().path_and_query;
    target.map_or_else(|| Uri::from_static("/"), Uri::from)
}

/// A copy for a second attempt, of a request that has no body. The application may close an idle
/// connection just as it is written to it, and has then not acted on it, so that any method may be
/// repeated (RFC 9110, section 9.2.2).
fn repeatable(request: &Request<Upload>) -> Option<Request<Upload>> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Upload::none());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// The response as the client is to see it. How its body is framed is between the door and the
/// client.
fn inbound(response: Response<Download>) -> Response<Body> {
    let mut response = response.map(Either::Right);
    replace_connection_fields(&mut response);
    *response.version_mut() = Version::HTTP_11;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_closed_before_bun_does() {
        const BUNS_STEP: Duration = Duration::from_secs(4);
        for seconds in (1..60).map(Duration::from_secs) {
            assert!(idle_time(Some(seconds)) <= seconds.saturating_sub(BUNS_STEP), "{seconds:?}");
        }
        assert_eq!(idle_time(Some(Duration::from_secs(30))), MAX_IDLE_TIME);
        assert_eq!(idle_time(None), MAX_IDLE_TIME);
    }
}
