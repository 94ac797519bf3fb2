//! A connection from its opening to its first words.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream as BareStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{Instant, sleep_until};

use super::closing::Closing;
use super::connection::{self, Opening, Reception};
use super::shortcut::{self, Way};

/// By which the system tells that a client has ended its side. Not all know it from one that has
/// left, which they tell by the other.
#[cfg(target_os = "linux")]
const END: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const END: PollFlags = PollFlags::HUP;

/// Serves a connection until it ends, or leaves the door as a WebSocket.
///
/// What it begins with decides on its way: most clients want a WebSocket and nothing else, for
/// which there is a [`shortcut`]. Everything else is hyper's, from the first byte on.
///
/// Thousands may be at the door at once. What most of them need not have is boxed, so that the task
/// is small.
pub(super) async fn serve(
    socket: BareStream,
    peer: SocketAddr,
    reception: Rc<Reception>,
    closing: Closing,
) {
    let opened = Instant::now();
    let arrival = Arrival::Unwatched(socket);
    let heard = match reception.words(&arrival) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            let until = opened + reception.head_timeout();
            Box::pin(listen(arrival, &reception, until, closing.clone())).await
        }
        words => words.map(|words| (arrival, words)),
    };
    let Ok((arrival, words)) = heard else { return };
    let way = shortcut::take(arrival, &words, peer, &reception).await;
    let Some(Way { arrival, decided }) = way else { return };
    Box::pin(async {
        if let Ok(socket) = arrival.writable().await {
            let opening = Opening { socket, unread: words, decided, opened };
            connection::serve(opening, peer, reception, closing).await;
        }
    })
    .await;
}

/// Waits for what the client says first, which is nothing if it leaves.
///
/// # Errors
///
/// When it says nothing in time, or the door closes.
async fn listen(
    mut arrival: Arrival,
    reception: &Reception,
    until: Instant,
    mut closing: Closing,
) -> io::Result<(Arrival, Bytes)> {
    let heard = async {
        loop {
            arrival = arrival.readable().await?;
            match reception.words(&arrival) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                words => return Ok((arrival, words?)),
            }
        }
    };
    select! {
        biased;
        heard = heard => heard,
        () = sleep_until(until) => Err(ErrorKind::TimedOut.into()),
        () = closing.draining() => Err(ErrorKind::ConnectionAborted.into()),
    }
}

/// A client's socket.
///
/// The door's epoll watches it only if it has to be waited for. Most clients have said what they
/// want before they are accepted, and are soon watched by that of a worker.
pub(super) enum Arrival {
    Unwatched(BareStream),
    Watched(TcpStream),
}

impl Arrival {
    /// Reads what is there, without waiting.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Arrival::Unwatched(socket) => (&mut &*socket).read(buffer),
            Arrival::Watched(socket) => socket.try_read(buffer),
        }
    }

    /// Writes as much as there is room for, without waiting.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Arrival::Unwatched(socket) => (&mut &*socket).write(bytes),
            Arrival::Watched(socket) => socket.try_write(bytes),
        }
    }

    /// Whether the client has ended its side or is gone. What it has said before does not hide it.
    pub(super) fn has_ended(&self) -> bool {
        let mut asked = [PollFd::new(self, END)];
        let at_once = Timespec::default();
        poll(&mut asked, Some(&at_once)).is_ok_and(|told| told > 0)
    }

    /// Waits until there is something to read.
    async fn readable(self) -> io::Result<Arrival> {
        let socket = self.watched()?;
        socket.readable().await?;
        Ok(Arrival::Watched(socket))
    }

    /// Waits until the door's epoll has told that there is room to write. A socket that it has not
    /// told of yet has none for hyper, which would drop an answer that it has at once.
    async fn writable(self) -> io::Result<TcpStream> {
        let socket = self.watched()?;
        socket.writable().await?;
        Ok(socket)
    }

    fn watched(self) -> io::Result<TcpStream> {
        match self {
            Arrival::Unwatched(socket) => TcpStream::from_std(socket),
            Arrival::Watched(socket) => Ok(socket),
        }
    }

    pub(super) fn unwatched(self) -> io::Result<BareStream> {
        match self {
            Arrival::Unwatched(socket) => Ok(socket),
            Arrival::Watched(socket) => socket.into_std(),
        }
    }
}

impl AsFd for Arrival {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Arrival::Unwatched(socket) => socket.as_fd(),
            Arrival::Watched(socket) => socket.as_fd(),
        }
    }
}
