//! One client's connection: its requests in their order, until it ends or becomes a WebSocket.

mod answering;
mod body;
mod client_socket;
mod lingering_close;
mod request_filter;
pub(super) mod settings;
mod state;
mod timer;

use std::io;
use std::net::TcpStream as BareStream;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::select;

use body::TimedBody;
use client_socket::ClientSocket;
use lingering_close::lingering_close;
use request_filter::RequestFilter;
use state::{ConnectionState, NextProtocol};

use crate::door::accepted_connection::AcceptedConnection;
use crate::door::closing::Closing;
use crate::door::context::DoorContext;
use crate::door::http::request::RequestHead;
use crate::door::upgrade::decision::{Handoff, Reservation};

/// Serves the connection until it ends, or leaves the door as a WebSocket.
///
/// When the client is gone, hyper drops the request under way, which gives up its upgrade or
/// cancels its request to the application. (It reads one buffer ahead at most. The door misses a
/// client that has sent more, and then goes, when it writes to it.)
pub(crate) async fn serve(
    connection: AcceptedConnection,
    door: Rc<DoorContext>,
    mut closing: Closing,
) {
    let AcceptedConnection { socket, peer, received, outcome, accepted_at } = connection;
    let Ok(socket) = watched(socket).await else { return };
    let state = Rc::new(ConnectionState::new(peer, accepted_at, outcome, &door.connections));
    let service = service_fn(|request| respond(request, Rc::clone(&door), Rc::clone(&state)));
    let socket = ClientSocket::new(socket, received, Rc::clone(&state.timer));
    let limits = door.connections.limits;
    let socket = RequestFilter::new(socket, limits, Rc::clone(&state.filter));
    let http = &door.connections.http;
    let mut http = http.serve_connection(TokioIo::new(socket), service);
    let finished = select! {
        biased;
        ended = &mut http => Some(ended.is_ok()),
        () = state.timer.expired() => Some(false),
        () = closing.draining() => None,
    };
    let finished = match finished {
        Some(finished) => finished,
        None => {
            Pin::new(&mut http).graceful_shutdown();
            select! {
                biased;
                ended = &mut http => ended.is_ok(),
                () = state.timer.expired() => false,
                () = state.cut_off(&mut closing) => return,
            }
        }
    };
    let Parts { io, read_buf, .. } = http.into_parts();
    let (socket, unjudged) = io.into_inner().into_parts();
    let (socket, unread) = socket.into_parts();
    // Dropping a reservation gives it up, which JavaScript learns before the client has left.
    let next = state.take_next().filter(|_| finished);
    // hyper has sent the 101, if any, and stopped without closing. A copy, mostly of nothing: a
    // client may be silent for days, and would keep hyper's whole buffer as long.
    let read_ahead = || [&read_buf[..], &unjudged, &unread].concat().into();
    match next {
        Some(NextProtocol::WebSocket(reservation)) => {
            hand_over(socket.into_std(), read_ahead(), reservation);
            door.memory.note_hand_overs(1);
        }
        Some(NextProtocol::Tunnel(tunnel)) => tunnel.carry(socket, read_ahead()).await,
        None => lingering_close(socket).await,
    }
}

/// Has the door's epoll watch a socket, and waits until it has reported that there is room to
/// write. Before that report hyper takes the socket to have none, and would drop an answer that it
/// has at once.
async fn watched(socket: BareStream) -> io::Result<TcpStream> {
    let socket = TcpStream::from_std(socket)?;
    socket.writable().await?;
    Ok(socket)
}

/// Answers a request that hyper has read.
fn respond(
    request: Request<Incoming>,
    door: Rc<DoorContext>,
    state: Rc<ConnectionState>,
) -> impl Future<Output = io::Result<Response<TimedBody>>> {
    if RequestHead::of(&request).asks_for_websocket() {
        state.timer.note_upgrade();
    } else {
        state.timer.note_request();
    }
    let rejection = state.filter.take_rejection();
    async move {
        let response = match rejection {
            Some(error) => answering::refusal(error),
            None => answering::answer(request, &door, &state).await?,
        };
        Ok(response.map(|body| TimedBody::new(body, Rc::clone(&state.timer))))
    }
}

/// Gives the socket of an accepted client, which has its 101 response, to its worker.
fn hand_over(socket: io::Result<BareStream>, read_ahead: Bytes, reservation: Box<dyn Reservation>) {
    // An error means that the socket is beyond use; then the reservation is given up.
    if let Ok(socket) = socket {
        reservation.attach(Handoff::answered(socket, read_ahead));
    }
}
