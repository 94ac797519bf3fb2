//! One client's connection: its requests in their order, until it ends or becomes a WebSocket.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Parts};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Version, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::select;

use super::client_socket::ClientSocket;
use super::closing::Closing;
use super::decider::{Ask, Decider};
use super::grace::Graces;
use super::linger::linger;
use super::objection::Objection;
use super::patience::{Answer, Patience};
use super::proxy::{Failure, Proxy};
use super::refusals::Refusals;
use super::response::Body;
use super::tidy::Tidy;
use super::{Decision, DoorConfig, Reservation, extensions, handshake};

/// Bytes that a connection may hold in either direction while a body streams through. A body of any
/// size passes in this much memory.
pub(super) const STREAM_BUFFER_BYTES: usize = 64 * 1024;

/// Fields that a request's head may have: a few more than Bun takes, which counts for itself what
/// the door passes on.
const MAX_FIELDS: usize = 200;

/// Where an accepted client's reservation waits until the 101 response is on its way.
type Place = Rc<Cell<Option<Box<dyn Reservation>>>>;

/// What all connections share.
pub(super) struct Reception {
    http: http1::Builder,
    decider: Decider,
    refusals: Arc<Refusals>,
    proxy: Proxy,
    per_message_deflate: bool,
    head_timeout: Duration,
    idle_timeout: Option<Duration>,
    write_timeout: Duration,
    graces: Graces,
    tidy: Tidy,
}

impl Reception {
    pub(super) fn new(config: DoorConfig, ask: Ask, refusals: Arc<Refusals>) -> Reception {
        let mut http = http1::Builder::new();
        // hyper answers a malformed head with 400, and one of too many bytes or fields with 431.
        // `max_buf_size` alone would be no such limit: it also bounds bodies, and may not be below
        // 8 KiB. How long a head may take is for `Patience` to say.
        http.header_read_timeout(None)
            .max_headers(MAX_FIELDS)
            .max_header_size(config.max_head_bytes)
            .max_buf_size(STREAM_BUFFER_BYTES.max(config.max_head_bytes));
        Reception {
            http,
            decider: Decider::new(ask, config.max_pending_upgrades, config.upgrade_timeout),
            refusals,
            proxy: Proxy::new(&config.upstream, config.max_body_bytes, config.idle_timeout),
            per_message_deflate: config.per_message_deflate,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            write_timeout: config.write_timeout,
            graces: Graces::new(),
            tidy: Tidy::default(),
        }
    }

    pub(super) fn tidy(&self) -> &Tidy {
        &self.tidy
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        place: &Place,
    ) -> io::Result<Response<Body>> {
        let answer = match check(&request) {
            Err(objection) => Err(objection.into()),
            Ok(()) if handshake::is_asked_for(&request) => {
                let answer = self.answer_upgrade(&request, peer, place).await;
                answer
                    .inspect_err(|&objection| self.refusals.count(objection))
                    .map_err(Failure::from)
            }
            Ok(()) => self.proxy.forward(request, peer).await,
        };
        answer.or_else(|failure| match failure {
            Failure::Objection(objection) => Ok(objection.response()),
            // hyper ends the connection on an error.
            Failure::BrokenOff => Err(io::ErrorKind::ConnectionAborted.into()),
        })
    }

    async fn answer_upgrade(
        &self,
        request: &Request<Incoming>,
        peer: SocketAddr,
        place: &Place,
    ) -> Result<Response<Body>, Objection> {
        let accept_key = handshake::check(request)?;
        let agreement =
            self.per_message_deflate.then(|| extensions::agree(request.headers())).flatten();
        let compression = agreement.as_ref().map(|agreed| agreed.compression).unwrap_or_default();
        Ok(match self.decider.decide(request, peer, compression).await? {
            Decision::Accept { headers, reservation } => {
                place.set(Some(reservation));
                let extensions = agreement.map(|agreed| agreed.response);
                handshake::accept(accept_key, extensions, headers)
            }
            Decision::Refuse { status, headers, body } => handshake::refuse(status, headers, body),
        })
    }
}

/// What hyper leaves unchecked: whether it is clear where the request goes and where it ends.
fn check(request: &Request<Incoming>) -> Result<(), Objection> {
    if request.method() == Method::CONNECT {
        return Err(Objection::Connect);
    }
    if request.uri().path() == "*" && request.method() != Method::OPTIONS {
        return Err(Objection::Target);
    }
    // RFC 9112, section 3.2: exactly one, which only HTTP/1.0 may leave out.
    match request.headers().get_all(header::HOST).iter().count() {
        1 => {}
        0 if request.version() == Version::HTTP_10 => {}
        _ => return Err(Objection::Host),
    }
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(Objection::TransferCoding);
    }
    Ok(())
}

/// Serves the connection until it ends, or leaves the door as a WebSocket.
///
/// When `ClientSocket` says that the client is gone, hyper drops the request under way, which gives
/// up its upgrade or cancels its request to the application. (It reads one buffer ahead at most. A
/// client that has sent more, and then goes, is missed when it is written to.)
pub(super) async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    reception: Rc<Reception>,
    mut closing: Closing,
) {
    let place = Place::default();
    let patience = Rc::new(Patience::new(reception.head_timeout, reception.idle_timeout));
    let service = service_fn(|request| {
        let (reception, place) = (Rc::clone(&reception), Rc::clone(&place));
        let patience = Rc::clone(&patience);
        if handshake::is_asked_for(&request) {
            patience.note_upgrade();
        } else {
            patience.note_request();
        }
        async move {
            let response = reception.answer(request, peer, &place).await?;
            Ok::<_, io::Error>(response.map(|body| Answer::new(body, patience)))
        }
    });
    let graces = reception.graces.clone();
    let socket = ClientSocket::new(socket, reception.write_timeout, Rc::clone(&patience), graces);
    let mut connection = reception.http.serve_connection(TokioIo::new(socket), service);
    let finished = select! {
        biased;
        ended = &mut connection => Some(ended.is_ok()),
        () = patience.run_out() => Some(false),
        () = closing.draining() => None,
    };
    let finished = match finished {
        Some(finished) => finished,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            select! {
                biased;
                ended = &mut connection => ended.is_ok(),
                () = patience.run_out() => false,
            }
        }
    };
    let Parts { io, read_buf, .. } = connection.into_parts();
    let socket = io.into_inner().into_inner();
    // Dropping a reservation gives it up, which JavaScript is to learn before the client has left.
    match place.take().filter(|_| finished) {
        // hyper has sent the 101, and stopped without closing.
        Some(reservation) => {
            hand_over(socket, read_buf, reservation);
            reception.tidy.note_hand_over();
        }
        None => linger(socket).await,
    }
}

fn hand_over(socket: TcpStream, read_ahead: Bytes, reservation: Box<dyn Reservation>) {
    // An error says that the socket is beyond use; then the reservation is given up.
    if let Ok(socket) = socket.into_std() {
        // A copy, mostly of nothing: a client may be silent for days, and would keep hyper's whole
        // buffer as long.
        reservation.attach(socket, Bytes::copy_from_slice(&read_ahead));
    }
}
