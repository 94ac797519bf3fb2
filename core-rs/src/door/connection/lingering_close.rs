//! How the door leaves a connection that it has ended.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection that the door has ended is still read from. A socket that is closed with
/// unread bytes resets the connection, and the reset would overtake the response with the reason.
/// Many a client reads that response only when it has sent its whole request.
const LINGER: Duration = Duration::from_secs(5);

/// How long a client may be silent meanwhile.
const SILENCE: Duration = Duration::from_secs(1);

/// How many bytes are read meanwhile.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// Unread bytes are thrown away in pieces of this size, which lie on the stack: thousands of silent
/// connections that end together need no memory for it.
const PIECE_BYTES: usize = 16 * 1024;

/// Ends our side of the connection and waits until the client ends its own, within limits.
pub(crate) async fn lingering_close(socket: TcpStream) {
    if SockRef::from(&socket).shutdown(Shutdown::Write).is_ok() {
        let _ = timeout(LINGER, discard(&socket)).await;
    }
}

/// Reads until the client closes or breaks the connection, falls silent or sends too much.
async fn discard(socket: &TcpStream) {
    let mut discarded = 0;
    while discarded < MAX_BYTES && is_readable(socket).await {
        match socket.try_read(&mut [0; PIECE_BYTES]) {
            Ok(0) => return,
            Ok(bytes) => discarded += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Waits for bytes. Gives way to the door's other tasks, unlike [`TcpStream::readable`], when there
/// are always some.
async fn is_readable(socket: &TcpStream) -> bool {
    let readable = timeout(SILENCE, poll_fn(|context| socket.poll_read_ready(context))).await;
    matches!(readable, Ok(Ok(())))
}
