//! A connection from its opening to its first words.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream as BareStream};
use std::rc::Rc;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::TcpStream;
use tokio::select;
use tokio::task;
use tokio::time::{Instant, sleep_until};

use super::closing::Closing;
use super::connection::{self, Reception};
use super::decider::Decided;
use super::shortcut;

/// By which the system tells that a client has ended its side. Not all know it from one that has
/// left, which they tell by the other.
#[cfg(target_os = "linux")]
const END: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const END: PollFlags = PollFlags::HUP;

/// A connection of which something has been read.
///
/// The door's epoll does not watch its socket: most clients have said what they want before they
/// are accepted, and are soon watched by that of a worker.
pub(super) struct Opening {
    pub(super) socket: BareStream,
    pub(super) peer: SocketAddr,
    /// All that has been read.
    pub(super) unread: Bytes,
    /// The decision on its first request, if that is an upgrade and was put to the application.
    pub(super) decided: Option<Decided>,
    pub(super) opened: Instant,
}

impl Opening {
    /// Whether the client has ended its side or is gone. What it has said before does not hide it.
    pub(super) fn has_ended(&self) -> bool {
        let mut asked = [PollFd::new(&self.socket, END)];
        let at_once = Timespec::default();
        poll(&mut asked, Some(&at_once)).is_ok_and(|told| told > 0)
    }
}

/// Receives a connection that was accepted.
///
/// What it begins with decides on its way: most clients want a WebSocket and nothing else, for
/// which there is a [`shortcut`]. Everything else is hyper's, from the first byte on.
pub(super) fn receive(
    socket: BareStream,
    peer: SocketAddr,
    reception: &Rc<Reception>,
    closing: &Closing,
) {
    let opened = Instant::now();
    let open = move |socket, unread| Opening { socket, peer, unread, decided: None, opened };
    match reception.words(|buffer| (&socket).read(buffer)) {
        Ok(unread) => send_on(open(socket, unread), reception, closing),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            let (reception, closing) = (Rc::clone(reception), closing.clone());
            task::spawn_local(async move {
                let until = opened + reception.head_timeout();
                let heard = listen(socket, &reception, until, closing.clone()).await;
                if let Ok((socket, unread)) = heard {
                    send_on(open(socket, unread), &reception, &closing);
                }
            });
        }
        Err(_gone) => {}
    }
}

/// Sends a client one way or the other.
fn send_on(opening: Opening, reception: &Rc<Reception>, closing: &Closing) {
    if let Some(opening) = shortcut::take(opening, reception) {
        task::spawn_local(connection::serve(opening, Rc::clone(reception), closing.clone()));
    }
}

/// Waits for what the client says first, which is nothing if it leaves.
///
/// # Errors
///
/// When it says nothing in time, or the door closes.
async fn listen(
    socket: BareStream,
    reception: &Reception,
    until: Instant,
    mut closing: Closing,
) -> io::Result<(BareStream, Bytes)> {
    let socket = TcpStream::from_std(socket)?;
    let heard = async {
        loop {
            socket.readable().await?;
            match reception.words(|buffer| socket.try_read(buffer)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                words => return words,
            }
        }
    };
    let words = select! {
        biased;
        heard = heard => heard?,
        () = sleep_until(until) => return Err(ErrorKind::TimedOut.into()),
        () = closing.draining() => return Err(ErrorKind::ConnectionAborted.into()),
    };
    Ok((socket.into_std()?, words))
}
