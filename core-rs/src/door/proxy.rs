//! Plain HTTP, passed on to the application.
//!
//! Bodies stream both ways as they come. A client that leaves takes its request to the application
//! with it, and an application that breaks off ends the client's connection, before its answer or
//! in the middle. How long a response may take is for the application to say: it may be a stream of
//! events that lasts for days. It also says how long the body of a request may be, but the door
//! refuses a longer one itself: the client is then told for sure, at once, and may finish
//! (`linger`).

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::http::Extensions;
use hyper::http::request::Parts;
use hyper::http::uri::{self, Authority, PathAndQuery, Scheme};
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::UnixStream;

use super::app_socket::Unread;
use super::connection::STREAM_BUFFER_BYTES;
use super::headers::{has_token, remove_connection_fields, replace_connection_fields};
use super::objection::Objection;
use super::peer::PEER;
use super::response::Body;
use super::upstream::Upstream;

/// The authority of every request to the application. It names the pool of connections, and is only
/// sent for a client of HTTP/1.0 that names no host.
const AUTHORITY: &str = "localhost";

/// Idle connections to the application that are kept for the next requests.
const MAX_IDLE: usize = 256;

/// How long an idle connection is kept at most.
const MAX_IDLE_TIME: Duration = Duration::from_secs(5);

/// How much earlier than the application is an idle connection closed, so that a request does not
/// meet one that is just being closed. Bun counts in steps of 4 s, and is early by up to one.
const HEADWAY: Duration = Duration::from_secs(5);

/// A body for the application: the client's, or none for a request that is sent a second time.
type OutboundBody = Either<Limited<Incoming>, Empty<Bytes>>;

/// Why a request has no response of the application's.
pub(super) enum Failure {
    /// The client is to be told.
    Objection(Objection),
    /// The application has ended its connection instead of an answer, and the client's is to end
    /// so.
    BrokenOff,
}

impl From<Objection> for Failure {
    fn from(objection: Objection) -> Failure {
        Failure::Objection(objection)
    }
}

/// The way to the application.
pub(super) struct Proxy {
    upstream: Upstream,
    client: Client<Upstream, OutboundBody>,
    max_body_bytes: usize,
}

impl Proxy {
    /// `idle_timeout` is the application's for its own connections.
    pub(super) fn new(
        upstream: &Path,
        max_body_bytes: usize,
        idle_timeout: Option<Duration>,
    ) -> Proxy {
        let upstream = Upstream::new(upstream);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(idle_time(idle_timeout))
            .pool_max_idle_per_host(MAX_IDLE)
            .http1_max_buf_size(STREAM_BUFFER_BYTES)
            .build(upstream.clone());
        Proxy { upstream, client, max_body_bytes }
    }

    /// A connection to the application that is nobody else's.
    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        self.upstream.connect().await
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
            return Err(Objection::BodyTooLong.into());
        }
        let request = outbound(request, peer, self.max_body_bytes);
        let repeat = repeatable(&request);
        let response = match (self.client.request(request).await, repeat) {
            (Err(error), Some(repeat)) if is_unread(&error) => self.client.request(repeat).await,
            (response, _) => response,
        };
        inbound(response.map_err(|error| failure(&error))?)
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
) -> Request<OutboundBody> {
    let (Parts { method, uri, mut headers, .. }, body) = request.into_parts();
    let wants_trailers = has_token(&headers, &header::TE, "trailers");
    remove_connection_fields(&mut headers);
    // The door has answered it: hyper sends 100 Continue as soon as the body is read.
    headers.remove(header::EXPECT);
    // HTTP/1.0 may have none.
    headers.entry(header::HOST).or_insert(HeaderValue::from_static(AUTHORITY));
    headers.insert(PEER, peer);
    if wants_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("TE"));
    }
    if !body.is_end_stream() && body.size_hint().exact().is_none() {
        // Left to itself, hyper would take a GET to have no body.
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let mut request = Request::new(Either::Left(Limited::new(body, max_body_bytes)));
    *request.method_mut() = method;
    *request.uri_mut() = outbound_uri(&uri);
    *request.headers_mut() = headers;
    request
}

/// The absolute URI that hyper's client wants, of which it sends path and query.
fn outbound_uri(uri: &Uri) -> Uri {
    let target = uri.path_and_query().cloned();
    let mut parts = uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::from_static(AUTHORITY));
    parts.path_and_query = Some(target.unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("all three parts are there")
}

/// A copy for a second attempt, of a request that has no body. The application may close an idle
/// connection just as it is written to it, and has then not acted on it (`Unread`), so that any
/// method may be repeated (RFC 9110, section 9.2.2). hyper's client itself repeats what it has not
/// begun to write.
fn repeatable(request: &Request<OutboundBody>) -> Option<Request<OutboundBody>> {
    if !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Either::Right(Empty::new()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

/// Whether the application has closed the connection without having read the request.
fn is_unread(error: &legacy::Error) -> bool {
    let mut extras = Extensions::new();
    if let Some(connection) = error.connect_info() {
        connection.get_extras(&mut extras);
    }
    extras.get::<Unread>().is_some_and(Unread::is_so)
}

/// The response as the client is to see it. How its body is framed is between the door and the
/// client.
fn inbound(response: Response<Incoming>) -> Result<Response<Body>, Failure> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody has asked for it: the door keeps `Upgrade` to itself.
        return Err(Failure::BrokenOff);
    }
    let mut response = response.map(Either::Right);
    replace_connection_fields(&mut response);
    *response.version_mut() = Version::HTTP_11;
    Ok(response)
}

/// Why there is no response.
fn failure(error: &legacy::Error) -> Failure {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<hyper::Error>());
    match cause {
        _ if error.is_connect() => Objection::Unreachable.into(),
        // Of our side of the exchange, only the client's body can fail.
        Some(cause) if cause.is_user() => match cause.source() {
            Some(source) if source.is::<LengthLimitError>() => Objection::BodyTooLong.into(),
            _ => Objection::BrokenBody.into(),
        },
        _ => Failure::BrokenOff,
    }
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
