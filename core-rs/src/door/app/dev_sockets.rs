//! Sockets of Bun's own, by which its development server reports edits to the pages that it serves.
//!
//! Neither the application nor a worker knows of them. The request goes to Bun as it is, and the
//! door carries bytes both ways until one side ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper::upgrade::{self, OnUpgrade};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::door::app::download::Download;
use crate::door::app::peer_header::PEER;
use crate::door::app::proxy::Proxy;
use crate::door::http::error::HttpError;
use crate::door::http::headers::remove_connection_fields;
use crate::door::http::request::RequestHead;

/// What the pages ask for.
const PATH: &str = "/_bun/hmr";

/// Pages of one developer that are open at once. One more gets 503.
const MAX_OPEN: usize = 64;

/// How long Bun may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// See the module's description.
pub(crate) struct DevSockets {
    is_on: bool,
    permits: Arc<Semaphore>,
}

/// A socket that Bun has accepted.
pub(crate) struct Tunnel {
    application: OnUpgrade,
    /// Its place among those that may be open.
    _permit: OwnedSemaphorePermit,
}

impl DevSockets {
    /// `is_on` is whether the application behind the door has a development server.
    pub(crate) fn new(is_on: bool) -> DevSockets {
        DevSockets { is_on, permits: Arc::new(Semaphore::new(MAX_OPEN)) }
    }

    /// Whether an upgrade is for Bun's development server, and not for the application.
    pub(crate) fn are_asked_for<F: ?Sized>(&self, request: &RequestHead<'_, F>) -> bool {
        self.is_on && request.target.split('?').next() == Some(PATH)
    }

    /// Sends an upgrade to Bun; returns its answer and, if it has accepted, the tunnel. A request
    /// with a body is refused: Bun would not get the body, and what follows it could be another
    /// request before this one is decided.
    pub(crate) async fn open(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        proxy: &Proxy,
    ) -> Result<(Response<Download>, Option<Tunnel>), HttpError> {
        if RequestHead::of(&request).has_body {
            return Err(HttpError::Body);
        }
        let permits = Arc::clone(&self.permits);
        let permit = permits.try_acquire_owned().map_err(|_| HttpError::TooManyDevSockets)?;
        let answer = timeout(ANSWER_TIMEOUT, put(request, peer, proxy));
        let mut response = answer.await.map_err(|_late| HttpError::UndecidedInTime)??;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let application = upgrade::on(&mut response);
            let tunnel = Tunnel { application, _permit: permit };
            return Ok((response.map(|body| proxy.download(body)), Some(tunnel)));
        }
        remove_connection_fields(response.headers_mut());
        Ok((response.map(|body| proxy.download(body)), None))
    }
}

impl Tunnel {
    /// Carries bytes both ways until one side has ended, or the door closes.
    pub(crate) async fn carry(self, mut client: TcpStream, read_ahead: Bytes) {
        let Ok(application) = self.application.await else { return };
        let mut application = TokioIo::new(application);
        if application.write_all(&read_ahead).await.is_ok() {
            // An error is an end as well.
            let _ = copy_bidirectional(&mut client, &mut application).await;
        }
    }
}

/// Sends Bun the request on a connection of its own.
async fn put(
    request: Request<Incoming>,
    peer: SocketAddr,
    proxy: &Proxy,
) -> Result<Response<Incoming>, HttpError> {
    let mut request = request.map(|_nothing| Empty::<Bytes>::new());
    request.headers_mut().insert(PEER, proxy.peer_header(peer));
    let socket = proxy.connect().await.map_err(|_| HttpError::Unreachable)?;
    let connection = handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = connection.map_err(|_| HttpError::Unreachable)?;
    // The answer or the tunnel ends with an error if this does.
    spawn_local(connection.with_upgrades());
    sender.send_request(request).await.map_err(|_| HttpError::Unreachable)
}
