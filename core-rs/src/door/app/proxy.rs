//! Plain HTTP, passed on to the application.
//!
//! Bodies stream both ways as they come. A client that leaves takes its request to the application
//! with it, and an application that breaks off ends the client's connection, before its answer or
//! in the middle. The application decides how long a response may take: it may be a stream of
//! events that lasts for days. It also decides how long the body of a request may be, but the door
//! refuses a longer one itself: the client then gets its answer for sure, at once, and may finish
//! (`lingering_close`).

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::LengthLimitError;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri, Version};
use tokio::net::UnixStream;

use crate::door::app::connections::{AppConnections, FailedRequest, LentConnection, NoConnection};
use crate::door::app::download::Download;
use crate::door::app::failures::Failures;
use crate::door::app::peer_header::{PEER, PeerHeader};
use crate::door::app::upload::Upload;
use crate::door::app::upstream::Upstream;
use crate::door::config::DoorConfig;
use crate::door::events::{Emitter, RequestFailure};
use crate::door::http::error::HttpError;
use crate::door::http::headers::{remove_connection_fields, replace_connection_fields};

/// The host that is taken for the one of a client of HTTP/1.0 that names none.
const HOST: HeaderValue = HeaderValue::from_static("localhost");

/// How long an idle connection is kept at most.
const MAX_IDLE_TIME: Duration = Duration::from_secs(5);

/// How much earlier than the application is an idle connection closed, so that a request does not
/// meet one that is just being closed. Bun counts in steps of 4 s, and is early by up to one.
const HEADWAY: Duration = Duration::from_secs(5);

/// Why a request has no response of the application's.
pub(crate) enum ProxyError {
    /// The door answers in its place.
    Refused(HttpError),
    /// The application has ended its connection instead of an answer, and the client's is to end
    /// so.
    BrokenOff,
}

impl From<HttpError> for ProxyError {
    fn from(error: HttpError) -> ProxyError {
        ProxyError::Refused(error)
    }
}

/// The way to the application.
pub(crate) struct Proxy {
    connections: AppConnections,
    peer_header: PeerHeader,
    max_body_bytes: usize,
    failures: Rc<Failures>,
}

impl Proxy {
    pub(crate) fn new(config: &DoorConfig, emitter: Emitter) -> Proxy {
        let upstream = Upstream::new(config.upstream.clone());
        let idle_time = idle_time(config.idle_timeout);
        Proxy {
            connections: AppConnections::new(upstream, config.max_requests, idle_time),
            peer_header: PeerHeader::new(config.upstream_secret.clone()),
            max_body_bytes: config.max_body_bytes,
            failures: Failures::new(emitter),
        }
    }

    /// Closes idle connections to the application, for ever.
    pub(crate) async fn run(&self) {
        self.connections.expire().await;
    }

    /// A connection to the application for one use.
    pub(crate) async fn connect(&self) -> io::Result<UnixStream> {
        self.connections.connect().await
    }

    /// The value of [`PEER`] for a client.
    pub(crate) fn peer_header(&self, peer: SocketAddr) -> HeaderValue {
        self.peer_header.of(peer)
    }

    /// The body of a response that has come by such a connection.
    pub(crate) fn download(&self, body: Incoming) -> Download {
        Download::new(body, None, Rc::clone(&self.failures))
    }

    /// Passes a request on; returns the application's response.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(crate) async fn forward(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Download>, ProxyError> {
        if request.body().size_hint().lower() > self.max_body_bytes as u64 {
            return Err(HttpError::BodyTooLong.into());
        }
        let request = outbound(request, self.peer_header(peer), self.max_body_bytes);
        let (response, connection) = self.exchange(request).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // No client has asked for it: the door keeps `Upgrade` to itself.
            return Err(self.unusable("101 Switching Protocols without an upgrade request"));
        }
        Ok(inbound(response.map(|body| Download::new(body, connection, Rc::clone(&self.failures)))))
    }

    /// Sends a request, and a second time over a new connection if the application has closed the
    /// first without having acted on it, as it may do with one that was idle.
    async fn exchange(
        &self,
        request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Option<LentConnection>), ProxyError> {
        let repeat = repeatable(&request);
        let connection = self
            .connections
            .lend()
            .await
            .map_err(|no_connection| self.no_connection(no_connection))?;
        let was_used = connection.is_used();
        let again = match (connection.send(request).await, repeat) {
            (Ok(answer), _) => return Ok(answer),
            (Err(FailedRequest { unsent: Some(request), .. }), _) if was_used => request,
            (Err(FailedRequest { is_unread: true, .. }), Some(repeat)) => repeat,
            (Err(failed), _) => return Err(self.failure(&failed.error)),
        };
        let connection = self
            .connections
            .lend_new()
            .await
            .map_err(|no_connection| self.no_connection(no_connection))?;
        connection.send(again).await.map_err(|failed| self.failure(&failed.error))
    }

    fn no_connection(&self, no_connection: NoConnection) -> ProxyError {
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

    fn unusable(&self, reason: &str) -> ProxyError {
        self.failures.note(RequestFailure::Unusable, reason);
        HttpError::UnusableAnswer.into()
    }

    /// Why there is no response.
    fn failure(&self, error: &hyper::Error) -> ProxyError {
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
        ProxyError::BrokenOff
    }
}

/// How long an idle connection to the application is kept. Zero is until the next request.
fn idle_time(of_application: Option<Duration>) -> Duration {
    of_application.map_or(MAX_IDLE_TIME, |time| time.saturating_sub(HEADWAY).min(MAX_IDLE_TIME))
}

/// The request as the application sees it.
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

/// Sets how long a body is, once and in one way: by its length, if that is known.
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

/// The response as the client sees it. How its body is framed is between the door and the
/// client.
fn inbound(mut response: Response<Download>) -> Response<Download> {
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
