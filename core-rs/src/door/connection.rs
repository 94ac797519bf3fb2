//! One client's connection: its requests in their order, until it ends or becomes a WebSocket.

use std::cell::{Cell, Ref, RefCell};
use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Parts};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc::UnboundedSender;

use super::accepted_connection::AcceptedConnection;
use super::body::Body;
use super::client_socket::ClientSocket;
use super::closing::Closing;
use super::config::{DoorConfig, STREAM_BUFFER_BYTES};
use super::connection_timer::{ConnectionTimer, TimedBody};
use super::decision::{Decision, Handoff, Outcome, Reservation};
use super::dev_sockets::{DevSockets, Tunnel};
use super::events::Emitter;
use super::half_close::HalfCloseLimit;
use super::handshake::{self, HandshakeResponse};
use super::http_error::HttpError;
use super::lingering_close::lingering_close;
use super::memory_trimmer::MemoryTrimmer;
use super::parser::Limits;
use super::peer_header::PeerHeader;
use super::pending_upgrades::PendingUpgrades;
use super::proxy::{Failure, Proxy};
use super::refused_upgrades::RefusalCounters;
use super::request::{Fields, RequestHead};
use super::request_filter::{self, Junction, RequestFilter};
use super::request_reader::RequestReader;
use super::response;
use super::upgrade_gate::UpgradeGate;

/// What one connection's requests have in common.
struct ConnectionState {
    peer: SocketAddr,
    outcome: Cell<Option<Outcome>>,
    /// Where an accepted client's reservation waits until the 101 response is on its way.
    place: Cell<Option<Box<dyn Reservation>>>,
    /// Where a socket of Bun's own waits for that.
    tunnel: Cell<Option<Tunnel>>,
    timer: Rc<ConnectionTimer>,
    junction: Rc<Junction>,
}

impl ConnectionState {
    /// Returns once the door ends, unless the client was accepted: it is still handed over.
    async fn cut_off(&self, closing: &mut Closing) {
        closing.ending().await;
        let place = self.place.take();
        let is_accepted = place.is_some();
        self.place.set(place);
        if is_accepted {
            future::pending().await
        }
    }
}

/// What all connections share.
pub(super) struct DoorContext {
    http: http1::Builder,
    gate: UpgradeGate,
    refused_upgrades: Arc<RefusalCounters>,
    proxy: Proxy,
    peer_header: PeerHeader,
    dev_sockets: DevSockets,
    per_message_deflate: bool,
    head_timeout: Duration,
    idle_timeout: Option<Duration>,
    write_timeout: Duration,
    limits: Limits,
    reader: RefCell<RequestReader>,
    pending_upgrades: PendingUpgrades,
    half_close_limit: HalfCloseLimit,
    memory_trimmer: MemoryTrimmer,
}

impl DoorContext {
    /// Guests that are not let in go to `door`, which serves their connections.
    pub(super) fn new(
        config: DoorConfig,
        emitter: Emitter,
        door: UnboundedSender<AcceptedConnection>,
        refused_upgrades: Arc<RefusalCounters>,
        proxy: Proxy,
    ) -> DoorContext {
        let mut http = http1::Builder::new();
        // `RequestFilter` judges heads, and may add the field `Host`. How long a head may take is
        // for `ConnectionTimer` to say.
        http.header_read_timeout(None)
            .max_headers(request_filter::MAX_FIELDS + 1)
            .max_buf_size(STREAM_BUFFER_BYTES.max(config.max_head_bytes));
        let limits = Limits {
            max_head_bytes: config.max_head_bytes,
            min_authority_bytes: config.min_authority_bytes,
        };
        DoorContext {
            http,
            pending_upgrades: PendingUpgrades::new(door, emitter.clone()),
            gate: UpgradeGate::new(emitter, config.max_pending_upgrades, config.upgrade_timeout),
            refused_upgrades,
            proxy,
            peer_header: PeerHeader::new(config.upstream_secret),
            dev_sockets: DevSockets::new(config.has_dev_server),
            per_message_deflate: config.per_message_deflate,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            write_timeout: config.write_timeout,
            reader: RefCell::new(RequestReader::new(limits)),
            limits,
            half_close_limit: HalfCloseLimit::new(),
            memory_trimmer: MemoryTrimmer::default(),
        }
    }

    pub(super) fn memory_trimmer(&self) -> &MemoryTrimmer {
        &self.memory_trimmer
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn head_timeout(&self) -> Duration {
        self.head_timeout
    }

    /// The bytes that `read` finds, which does not wait.
    pub(super) fn receive_bytes(
        &self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        self.reader.borrow_mut().receive(read)
    }

    /// Reads first requests. It is not to be kept over an `await`.
    pub(super) fn request_reader(&self) -> Ref<'_, RequestReader> {
        self.reader.borrow()
    }

    /// What the client is told if it is accepted. None if the request is no upgrade, or something
    /// is wrong with it.
    pub(super) fn handshake<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
    ) -> Option<HandshakeResponse> {
        let is_upgrade =
            handshake::is_asked_for(request) && !self.dev_sockets.are_asked_for(request);
        is_upgrade.then(|| HandshakeResponse::of(request, self.per_message_deflate).ok()).flatten()
    }

    pub(super) fn gate(&self) -> &UpgradeGate {
        &self.gate
    }

    pub(super) fn pending_upgrades(&self) -> &PendingUpgrades {
        &self.pending_upgrades
    }

    /// Gives the socket of an accepted client, which was told so, to its worker.
    fn hand_over(
        &self,
        socket: io::Result<std::net::TcpStream>,
        read_ahead: Bytes,
        reservation: Box<dyn Reservation>,
    ) {
        // An error says that the socket is beyond use; then the reservation is given up.
        if let Ok(socket) = socket {
            reservation.attach(Handoff::answered(socket, read_ahead));
        }
        self.memory_trimmer.note_hand_overs(1);
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        state: &ConnectionState,
    ) -> io::Result<Response<Body>> {
        let head = RequestHead::of(&request);
        let answer = if handshake::is_asked_for(&head) {
            let answer = if self.dev_sockets.are_asked_for(&head) {
                self.answer_dev_socket(request, state).await
            } else {
                self.answer_upgrade(&head, state).await
            };
            if !matches!(&answer, Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS)
            {
                state.junction.go_on();
            }
            answer.inspect_err(|&error| self.refused_upgrades.count(error)).map_err(Failure::from)
        } else {
            self.proxy.forward(request, self.peer_header.of(state.peer)).await
        };
        answer.or_else(|failure| match failure {
            Failure::HttpError(error) => Ok(response::of_error(error).map(Either::Left)),
            // hyper ends the connection on an error.
            Failure::BrokenOff => Err(io::ErrorKind::ConnectionAborted.into()),
        })
    }

    async fn answer_dev_socket(
        &self,
        request: Request<Incoming>,
        state: &ConnectionState,
    ) -> Result<Response<Body>, HttpError> {
        let peer = self.peer_header.of(state.peer);
        let opened = self.dev_sockets.open(request, peer, &self.proxy).await;
        opened.map(|(response, tunnel)| {
            state.tunnel.set(tunnel);
            response
        })
    }

    async fn answer_upgrade(
        &self,
        request: &RequestHead<'_, HeaderMap>,
        state: &ConnectionState,
    ) -> Result<Response<Body>, HttpError> {
        let handshake = HandshakeResponse::of(request, self.per_message_deflate)?;
        let outcome = match state.outcome.take() {
            Some(outcome) => outcome,
            None => {
                let unsent = self.gate.admit(request, state.peer, handshake.compression())?;
                self.gate.decision(unsent).await
            }
        };
        let response = match outcome? {
            Decision::Accept { headers, reservation } => {
                state.place.set(Some(reservation));
                handshake::accept(handshake, headers)
            }
            Decision::Refuse { status, headers, body } => handshake::refuse(status, headers, body),
        };
        Ok(response.map(Either::Left))
    }
}

/// Has the door's epoll watch a socket, and waits until it has told that there is room to write. A
/// socket that it has not told of yet has none for hyper, which would drop an answer that it has at
/// once.
async fn watched(socket: std::net::TcpStream) -> io::Result<TcpStream> {
    let socket = TcpStream::from_std(socket)?;
    socket.writable().await?;
    Ok(socket)
}

/// Serves the connection until it ends, or leaves the door as a WebSocket.
///
/// When `ClientSocket` says that the client is gone, hyper drops the request under way, which gives
/// up its upgrade or cancels its request to the application. (It reads one buffer ahead at most. A
/// client that has sent more, and then goes, is missed when it is written to.)
pub(super) async fn serve(
    accepted: AcceptedConnection,
    door: Rc<DoorContext>,
    mut closing: Closing,
) {
    let AcceptedConnection { socket, peer, received, outcome, accepted_at } = accepted;
    let Ok(socket) = watched(socket).await else { return };
    let timer = Rc::new(ConnectionTimer::new(accepted_at, door.head_timeout, door.idle_timeout));
    let junction = Rc::new(Junction::default());
    let state = Rc::new(ConnectionState {
        peer,
        outcome: Cell::new(outcome),
        place: Cell::default(),
        tunnel: Cell::default(),
        timer: Rc::clone(&timer),
        junction: Rc::clone(&junction),
    });
    let service = service_fn(|request| {
        let (door, state) = (Rc::clone(&door), Rc::clone(&state));
        if handshake::is_asked_for(&RequestHead::of(&request)) {
            state.timer.note_upgrade();
        } else {
            state.timer.note_request();
        }
        let rejection = state.junction.take_rejection();
        async move {
            let response = match rejection {
                Some(error) => response::of_error(error).map(Either::Left),
                None => door.answer(request, &state).await?,
            };
            let timer = Rc::clone(&state.timer);
            Ok::<_, io::Error>(response.map(|body| TimedBody::new(body, timer)))
        }
    });
    let (limit, half_close_limit) = (door.write_timeout, door.half_close_limit.clone());
    let socket = ClientSocket::new(socket, received, limit, Rc::clone(&timer), half_close_limit);
    let socket = RequestFilter::new(socket, door.limits, junction);
    let mut connection = door.http.serve_connection(TokioIo::new(socket), service);
    let finished = select! {
        biased;
        ended = &mut connection => Some(ended.is_ok()),
        () = timer.run_out() => Some(false),
        () = closing.draining() => None,
    };
    let finished = match finished {
        Some(finished) => finished,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            select! {
                biased;
                ended = &mut connection => ended.is_ok(),
                () = timer.run_out() => false,
                () = state.cut_off(&mut closing) => return,
            }
        }
    };
    let Parts { io, read_buf, .. } = connection.into_parts();
    let (socket, unjudged) = io.into_inner().into_parts();
    let (socket, unread) = socket.into_parts();
    // Dropping a reservation gives it up, which JavaScript is to learn before the client has left.
    let place = state.place.take().filter(|_| finished);
    let tunnel = state.tunnel.take().filter(|_| finished);
    // hyper has sent the 101, if any, and stopped without closing. A copy, mostly of nothing: a
    // client may be silent for days, and would keep hyper's whole buffer as long.
    let read_ahead = || [&read_buf[..], &unjudged, &unread].concat().into();
    match (place, tunnel) {
        (Some(reservation), _) => door.hand_over(socket.into_std(), read_ahead(), reservation),
        (_, Some(tunnel)) => tunnel.carry(socket, read_ahead()).await,
        _ => lingering_close(socket).await,
    }
}
