//! An accepted connection until its first bytes are read.

use std::io::{self, ErrorKind, Read};
use std::net::{SocketAddr, TcpStream as BareStream};
use std::rc::Rc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::select;
use tokio::task;
use tokio::time::{Instant, sleep_until};

use crate::door::accepted_connection::AcceptedConnection;
use crate::door::closing::Closing;
use crate::door::connection;
use crate::door::context::DoorContext;

/// Receives a connection that was accepted.
///
/// Its first bytes decide how it goes on: most clients want a WebSocket and nothing else, for which
/// there is a `fast_path`. Everything else is hyper's, from the first byte on.
pub(crate) fn receive(
    socket: BareStream,
    peer: SocketAddr,
    door: &Rc<DoorContext>,
    closing: &Closing,
) {
    let accepted_at = Instant::now();
    let with_bytes = move |socket, received| AcceptedConnection {
        socket,
        peer,
        received,
        outcome: None,
        accepted_at,
    };
    match door.read_buffer.read(|buffer| (&socket).read(buffer)) {
        Ok(received) => pass_on(with_bytes(socket, received), door, closing),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            let (door, closing) = (Rc::clone(door), closing.clone());
            task::spawn_local(async move {
                let deadline = accepted_at + door.connections.timeouts.head;
                let read = first_bytes(socket, &door, deadline, closing.clone()).await;
                if let Ok((socket, received)) = read {
                    pass_on(with_bytes(socket, received), &door, &closing);
                }
            });
        }
        Err(_gone) => {}
    }
}

fn pass_on(connection: AcceptedConnection, door: &Rc<DoorContext>, closing: &Closing) {
    let not_taken = door.fast_path.take(connection, &door.upgrades, &door.dev_sockets);
    if let Some(connection) = not_taken {
        task::spawn_local(connection::serve(connection, Rc::clone(door), closing.clone()));
    }
}

/// Waits for a client's first bytes, of which there are none if it leaves.
///
/// # Errors
///
/// When none come before the deadline, or the door closes.
async fn first_bytes(
    socket: BareStream,
    door: &DoorContext,
    deadline: Instant,
    mut closing: Closing,
) -> io::Result<(BareStream, Bytes)> {
    let socket = TcpStream::from_std(socket)?;
    let read = async {
        loop {
            socket.readable().await?;
            match door.read_buffer.read(|buffer| socket.try_read(buffer)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                received => return received,
            }
        }
    };
    let received = select! {
        biased;
        read = read => read?,
        () = sleep_until(deadline) => return Err(ErrorKind::TimedOut.into()),
        () = closing.draining() => return Err(ErrorKind::ConnectionAborted.into()),
    };
    Ok((socket.into_std()?, received))
}
