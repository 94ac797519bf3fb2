//! A connection whose first bytes the door has read.

use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::time::Instant;

use crate::door::upgrade::decision::Outcome;

/// By which the system reports that a client has ended its side. Not all can tell that from a
/// client that has left, which they report by the other.
#[cfg(target_os = "linux")]
const END: PollFlags = PollFlags::RDHUP;
#[cfg(not(target_os = "linux"))]
const END: PollFlags = PollFlags::HUP;

/// See the module's description.
///
/// The door's epoll does not watch its socket: most clients have sent their request before they are
/// accepted, and soon the epoll of a worker watches them.
pub(crate) struct AcceptedConnection {
    pub(crate) socket: TcpStream,
    pub(crate) peer: SocketAddr,
    /// All bytes received so far.
    pub(crate) received: Bytes,
    /// What was decided on its first request, if that is an upgrade that the application was asked
    /// about already.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) accepted_at: Instant,
}

impl AcceptedConnection {
    /// Whether the client has ended its side or is gone, even behind bytes that it has sent.
    pub(crate) fn has_ended(&self) -> bool {
        let mut polled = [PollFd::new(&self.socket, END)];
        let at_once = Timespec::default();
        poll(&mut polled, Some(&at_once)).is_ok_and(|reported| reported > 0)
    }
}
