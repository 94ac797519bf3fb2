//! The answer to one request: the application's, the development server's, or an upgrade's.

use std::io;

use http_body_util::Either;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use crate::door::app::proxy::ProxyError;
use crate::door::connection::body::Body;
use crate::door::connection::state::{ConnectionState, NextProtocol};
use crate::door::context::DoorContext;
use crate::door::http::error::HttpError;
use crate::door::http::request::RequestHead;
use crate::door::http::response;

/// Answers a request.
///
/// # Errors
///
/// Those that end the connection.
pub(crate) async fn answer(
    request: Request<Incoming>,
    door: &DoorContext,
    state: &ConnectionState,
) -> io::Result<Response<Body>> {
    let answer = if RequestHead::of(&request).asks_for_websocket() {
        upgrade(request, door, state).await.map_err(ProxyError::from)
    } else {
        let answer = door.proxy.forward(request, state.peer).await;
        answer.map(|response| response.map(Either::Right))
    };
    answer.or_else(|error| match error {
        ProxyError::Refused(error) => Ok(refusal(error)),
        // hyper ends the connection on an error.
        ProxyError::BrokenOff => Err(io::ErrorKind::ConnectionAborted.into()),
    })
}

/// The response to a request that the door refuses.
pub(crate) fn refusal(error: HttpError) -> Response<Body> {
    response::of_error(error).map(Either::Left)
}

async fn upgrade(
    request: Request<Incoming>,
    door: &DoorContext,
    state: &ConnectionState,
) -> Result<Response<Body>, HttpError> {
    let answer = if door.dev_sockets.are_asked_for(&RequestHead::of(&request)) {
        answer_dev_socket(request, door, state).await
    } else {
        answer_upgrade(&request, door, state).await
    };
    if !matches!(&answer, Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
        state.filter.resume();
    }
    answer.inspect_err(|&error| door.upgrades.count_refused(error))
}

async fn answer_dev_socket(
    request: Request<Incoming>,
    door: &DoorContext,
    state: &ConnectionState,
) -> Result<Response<Body>, HttpError> {
    let (response, tunnel) = door.dev_sockets.open(request, state.peer, &door.proxy).await?;
    if let Some(tunnel) = tunnel {
        state.switch_to(NextProtocol::Tunnel(tunnel));
    }
    Ok(response.map(Either::Right))
}

async fn answer_upgrade(
    request: &Request<Incoming>,
    door: &DoorContext,
    state: &ConnectionState,
) -> Result<Response<Body>, HttpError> {
    let (head, outcome) = (RequestHead::of(request), state.take_outcome());
    let (response, reservation) = door.upgrades.answer(&head, state.peer, outcome).await?;
    if let Some(reservation) = reservation {
        state.switch_to(NextProtocol::WebSocket(reservation));
    }
    Ok(response.map(Either::Left))
}
