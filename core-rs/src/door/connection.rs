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
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Parts};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc::UnboundedSender;

use super::arrival::Opening;
use super::client_socket::ClientSocket;
use super::closing::Closing;
use super::decider::{Decided, Decider};
use super::dev_sockets::{DevSockets, Tunnel};
use super::grace::Graces;
use super::handshake::Terms;
use super::linger::linger;
use super::objection::Objection;
use super::parser::Limits;
use super::patience::{Answer, Patience};
use super::peer::Introduction;
use super::proxy::{Failure, Proxy};
use super::reader::Reader;
use super::refusals::Refusals;
use super::request::{Fields, RequestHead};
use super::request_filter::{self, Junction, RequestFilter};
use super::response::Body;
use super::tell::Tell;
use super::tidy::Tidy;
use super::waiting_room::WaitingRoom;
use super::{Decision, DoorConfig, Entrant, Reservation, handshake};

/// Bytes that a connection may hold in either direction while a body streams through. A body of any
/// size passes in this much memory.
pub(super) const STREAM_BUFFER_BYTES: usize = 64 * 1024;

/// What one connection's requests have in common.
struct Visit {
    peer: SocketAddr,
    decided: Cell<Option<Decided>>,
    /// Where an accepted client's reservation waits until the 101 response is on its way.
    place: Cell<Option<Box<dyn Reservation>>>,
    /// Where a socket of Bun's own waits for that.
    tunnel: Cell<Option<Tunnel>>,
    patience: Rc<Patience>,
    junction: Rc<Junction>,
}

impl Visit {
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
pub(super) struct Reception {
    http: http1::Builder,
    decider: Decider,
    refusals: Arc<Refusals>,
    proxy: Proxy,
    introduction: Introduction,
    dev_sockets: DevSockets,
    per_message_deflate: bool,
    head_timeout: Duration,
    idle_timeout: Option<Duration>,
    write_timeout: Duration,
    limits: Limits,
    reader: RefCell<Reader>,
    waiting_room: WaitingRoom,
    graces: Graces,
    tidy: Tidy,
}

impl Reception {
    /// Guests that are not let in go to `door`, which serves their connections.
    pub(super) fn new(
        config: DoorConfig,
        tell: Tell,
        door: UnboundedSender<Opening>,
        refusals: Arc<Refusals>,
        proxy: Proxy,
    ) -> Reception {
        let mut http = http1::Builder::new();
        // `RequestFilter` judges heads, and may add the field `Host`. How long a head may take is
        // for `Patience` to say.
        http.header_read_timeout(None)
            .max_headers(request_filter::MAX_FIELDS + 1)
            .max_buf_size(STREAM_BUFFER_BYTES.max(config.max_head_bytes));
        let limits = Limits {
            max_head_bytes: config.max_head_bytes,
            min_authority_bytes: config.min_authority_bytes,
        };
        Reception {
            http,
            waiting_room: WaitingRoom::new(door, tell.clone()),
            decider: Decider::new(tell, config.max_pending_upgrades, config.upgrade_timeout),
            refusals,
            proxy,
            introduction: Introduction::new(config.upstream_secret),
            dev_sockets: DevSockets::new(config.has_dev_server),
            per_message_deflate: config.per_message_deflate,
            head_timeout: config.head_timeout,
            idle_timeout: config.idle_timeout,
            write_timeout: config.write_timeout,
            reader: RefCell::new(Reader::new(limits)),
            limits,
            graces: Graces::new(),
            tidy: Tidy::default(),
        }
    }

    pub(super) fn tidy(&self) -> &Tidy {
        &self.tidy
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    pub(super) fn head_timeout(&self) -> Duration {
        self.head_timeout
    }

    /// What a client has said so far, by `read`, which does not wait.
    pub(super) fn words(
        &self,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<Bytes> {
        self.reader.borrow_mut().words(read)
    }

    /// Reads first requests. It is not to be kept over an `await`.
    pub(super) fn reader(&self) -> Ref<'_, Reader> {
        self.reader.borrow()
    }

    /// What the client is told if it is accepted. None if the request is no upgrade, or something
    /// is wrong with it.
    pub(super) fn terms_of_upgrade<F: Fields + ?Sized>(
        &self,
        request: &RequestHead<'_, F>,
    ) -> Option<Terms> {
        let is_upgrade =
            handshake::is_asked_for(request) && !self.dev_sockets.are_asked_for(request);
        is_upgrade.then(|| Terms::of(request, self.per_message_deflate).ok()).flatten()
    }

    pub(super) fn decider(&self) -> &Decider {
        &self.decider
    }

    pub(super) fn waiting_room(&self) -> &WaitingRoom {
        &self.waiting_room
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
            reservation.attach(Entrant::told(socket, read_ahead));
        }
        self.tidy.note_hand_overs(1);
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        visit: &Visit,
    ) -> io::Result<Response<Body>> {
        let head = RequestHead::of(&request);
        let answer = if handshake::is_asked_for(&head) {
            let answer = if self.dev_sockets.are_asked_for(&head) {
                self.answer_dev_socket(request, visit).await
            } else {
                self.answer_upgrade(&head, visit).await
            };
            if !matches!(&answer, Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS)
            {
                visit.junction.go_on();
            }
            answer.inspect_err(|&objection| self.refusals.count(objection)).map_err(Failure::from)
        } else {
            self.proxy.forward(request, self.introduction.of(visit.peer)).await
        };
        answer.or_else(|failure| match failure {
            Failure::Objection(objection) => Ok(objection.response()),
            // hyper ends the connection on an error.
            Failure::BrokenOff => Err(io::ErrorKind::ConnectionAborted.into()),
        })
    }

    async fn answer_dev_socket(
        &self,
        request: Request<Incoming>,
        visit: &Visit,
    ) -> Result<Response<Body>, Objection> {
        let peer = self.introduction.of(visit.peer);
        let opened = self.dev_sockets.open(request, peer, &self.proxy).await;
        opened.map(|(response, tunnel)| {
            visit.tunnel.set(tunnel);
            response
        })
    }

    async fn answer_upgrade(
        &self,
        request: &RequestHead<'_, HeaderMap>,
        visit: &Visit,
    ) -> Result<Response<Body>, Objection> {
        let terms = Terms::of(request, self.per_message_deflate)?;
        let decided = match visit.decided.take() {
            Some(decided) => decided,
            None => {
                let question = self.decider.question(request, visit.peer, terms.compression())?;
                self.decider.decision(question).await
            }
        };
        Ok(match decided? {
            Decision::Accept { headers, reservation } => {
                visit.place.set(Some(reservation));
                handshake::accept(terms, headers)
            }
            Decision::Refuse { status, headers, body } => handshake::refuse(status, headers, body),
        })
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
pub(super) async fn serve(opening: Opening, reception: Rc<Reception>, mut closing: Closing) {
    let Opening { socket, peer, unread, decided, opened } = opening;
    let Ok(socket) = watched(socket).await else { return };
    let patience = Rc::new(Patience::new(opened, reception.head_timeout, reception.idle_timeout));
    let junction = Rc::new(Junction::default());
    let visit = Rc::new(Visit {
        peer,
        decided: Cell::new(decided),
        place: Cell::default(),
        tunnel: Cell::default(),
        patience: Rc::clone(&patience),
        junction: Rc::clone(&junction),
    });
    let service = service_fn(|request| {
        let (reception, visit) = (Rc::clone(&reception), Rc::clone(&visit));
        if handshake::is_asked_for(&RequestHead::of(&request)) {
            visit.patience.note_upgrade();
        } else {
            visit.patience.note_request();
        }
        let rejection = visit.junction.take_rejection();
        async move {
            let response = match rejection {
                Some(objection) => objection.response(),
                None => reception.answer(request, &visit).await?,
            };
            let patience = Rc::clone(&visit.patience);
            Ok::<_, io::Error>(response.map(|body| Answer::new(body, patience)))
        }
    });
    let (limit, graces) = (reception.write_timeout, reception.graces.clone());
    let socket = ClientSocket::new(socket, unread, limit, Rc::clone(&patience), graces);
    let socket = RequestFilter::new(socket, reception.limits, junction);
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
                () = visit.cut_off(&mut closing) => return,
            }
        }
    };
    let Parts { io, read_buf, .. } = connection.into_parts();
    let (socket, unjudged) = io.into_inner().into_parts();
    let (socket, unread) = socket.into_parts();
    // Dropping a reservation gives it up, which JavaScript is to learn before the client has left.
    let place = visit.place.take().filter(|_| finished);
    let tunnel = visit.tunnel.take().filter(|_| finished);
    // hyper has sent the 101, if any, and stopped without closing. A copy, mostly of nothing: a
    // client may be silent for days, and would keep hyper's whole buffer as long.
    let read_ahead = || [&read_buf[..], &unjudged, &unread].concat().into();
    match (place, tunnel) {
        (Some(reservation), _) => reception.hand_over(socket.into_std(), read_ahead(), reservation),
        (_, Some(tunnel)) => tunnel.carry(socket, read_ahead()).await,
        _ => linger(socket).await,
    }
}
