//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::time::sleep;

use super::closing::Closing;

/// Connections that the system completes and keeps until they are accepted: enough for thousands of
/// clients that reconnect in one moment. The system lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Wait after the system had no descriptor or memory for a connection. The connection stays in the
/// backlog, and accepting again at once would only burn the processor.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// A listening, non-blocking socket.
///
/// The address may be in the time-wait of an earlier server, but never shared with a living one: a
/// second server that is started by mistake must hear of the first.
///
/// # Errors
///
/// What the system says, such as address in use.
pub(super) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Accepts connections and hands them to `welcome` until the door begins to close.
pub(super) async fn accept(
    listener: TcpListener,
    mut closing: Closing,
    welcome: impl Fn(TcpStream, SocketAddr),
) {
    loop {
        let accepted = select! {
            biased;
            () = closing.draining() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // An error says that the client has gone, which its first read will find.
                let _ = socket.set_nodelay(true);
                welcome(socket, SocketAddr::new(peer.ip().to_canonical(), peer.port()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => sleep(EXHAUSTED_PAUSE).await,
        }
    }
}

/// The connection was lost before it was accepted. The next one may be taken at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
