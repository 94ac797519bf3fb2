//! The listening socket.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use mio::net::TcpListener;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::select;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::door::closing::Closing;

/// Connections that the system completes and keeps until they are accepted: enough for thousands of
/// clients that reconnect in one moment. The system lowers it to its own limit.
const BACKLOG: i32 = 4096;

/// Wait after the system had no descriptor or memory for a connection. The connection stays in the
/// backlog, and accepting again at once would only burn the processor.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(50);

/// Connections accepted in one turn, at most: the door also serves those that it has accepted
/// before.
const ACCEPTED_PER_TURN: usize = 32;

/// After which a silent client is accepted all the same, by the next sign of life of its system.
#[cfg(target_os = "linux")]
const SILENT_SECONDS: libc::c_int = 1;

/// Every address of this machine: `::` takes IPv4 as well, and a system without IPv6 has the other.
const EVERYWHERE: [IpAddr; 2] =
    [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];

/// The public address, and whether other processes may share it.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Address to listen on; none is every address of this machine.
    pub host: Option<IpAddr>,
    /// 0 is any free port.
    pub port: u16,
    /// Whether other processes of this user that want it too may listen on the same port. The
    /// system then gives each connection to one of them.
    pub reuse_port: bool,
    /// Whether `::` leaves IPv4 out.
    pub ipv6_only: bool,
}

impl ListenOptions {
    /// An address that no other process shares.
    pub fn on(host: IpAddr, port: u16) -> ListenOptions {
        ListenOptions { host: Some(host), port, reuse_port: false, ipv6_only: false }
    }
}

/// A listening, non-blocking socket; without a host, for every address of this machine.
///
/// # Errors
///
/// The system's, such as address in use.
pub(crate) fn bind(options: ListenOptions) -> io::Result<std::net::TcpListener> {
    match options.host {
        Some(host) => bind_to(host, options),
        None => bind_to_either(EVERYWHERE, options),
    }
}

/// Takes the second address where the first is not to be had.
fn bind_to_either(
    [first, second]: [IpAddr; 2],
    options: ListenOptions,
) -> io::Result<std::net::TcpListener> {
    match bind_to(first, options) {
        Err(error) if is_of_no_such_address(&error) => bind_to(second, options),
        bound => bound,
    }
}

fn is_of_no_such_address(error: &io::Error) -> bool {
    let no_such_family = Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(no_such_family)
}

/// The address may be in the time-wait of an earlier server, but is not shared with a living one
/// unless both want that: a second server that is started by mistake must fail.
fn bind_to(host: IpAddr, options: ListenOptions) -> io::Result<std::net::TcpListener> {
    let address = SocketAddr::new(host, options.port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(options.reuse_port)?;
    if address.is_ipv6() {
        socket.set_only_v6(options.ipv6_only)?;
    }
    socket.set_nonblocking(true)?;
    // Every connection that it accepts inherits this.
    socket.set_tcp_nodelay(true)?;
    defer_accept(&socket);
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Has the system keep a connection to itself until its client has sent something, or for
/// [`SILENT_SECONDS`], so that the door does not wait for first bytes. Where the system cannot, the
/// door waits.
#[cfg(target_os = "linux")]
fn defer_accept(socket: &Socket) {
    use std::os::fd::AsRawFd;
    let seconds: libc::c_int = SILENT_SECONDS;
    let (value, length) = ((&raw const seconds).cast(), size_of_val(&seconds) as libc::socklen_t);
    let (level, option) = (libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT);
    // SAFETY: The socket is open, and the value an integer of that length, as the option wants it.
    unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, length) };
}

/// Other systems have no such option, or another.
#[cfg(not(target_os = "linux"))]
fn defer_accept(_socket: &Socket) {}

/// A listening socket that the door's epoll watches.
///
/// tokio's own would register each connection with that epoll, from which most would soon be
/// removed again: they leave for that of a worker.
pub(crate) type Listener = AsyncFd<TcpListener>;

/// Has a listening, non-blocking socket watched. To be called within the door's runtime.
///
/// # Errors
///
/// The system's.
pub(crate) fn watch(listener: std::net::TcpListener) -> io::Result<Listener> {
    let listener = TcpListener::from_std(listener);
    // SAFETY: A listener has one descriptor, open as long as it lives, and no code takes it out.
    Ok(unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) }?)
}

/// Accepts connections and passes them to `receive`, non-blocking and in no epoll, until the door
/// begins to close. When the system cannot give one out, `report` gets the error, at most once in
/// [`EXHAUSTED_PAUSE`].
pub(crate) async fn accept(
    listener: Listener,
    mut closing: Closing,
    receive: impl Fn(TcpStream, SocketAddr),
    report: impl Fn(io::Error),
) {
    loop {
        let accepted = select! {
            biased;
            () = closing.draining() => return,
            accepted = accept_some(&listener, &receive) => accepted,
        };
        if let Err(error) = accepted {
            report(error);
            sleep(EXHAUSTED_PAUSE).await;
        }
    }
}

/// Waits for connections and accepts those that are there, within a limit.
async fn accept_some(
    listener: &Listener,
    receive: impl Fn(TcpStream, SocketAddr),
) -> io::Result<()> {
    let mut ready = listener.readable().await?;
    for _ in 0..ACCEPTED_PER_TURN {
        match ready.try_io(|listener| listener.get_ref().accept()) {
            Ok(Ok((socket, peer))) => receive(socket.into(), peer),
            Ok(Err(error)) if is_of_one_connection(&error) => {}
            Ok(Err(error)) => return Err(error),
            Err(_none_is_there) => return Ok(()),
        }
    }
    yield_now().await;
    Ok(())
}

/// The connection was lost before it was accepted. The next one may be taken at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Of documentation: no machine has it (RFC 3849).
    const NOWHERE: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ANY_PORT: ListenOptions =
        ListenOptions { host: Some(HERE), port: 0, reuse_port: false, ipv6_only: false };

    #[test]
    fn without_the_first_address_the_second_is_bound() {
        let listener = bind_to_either([NOWHERE, HERE], ANY_PORT).expect("a free port");
        assert_eq!(listener.local_addr().map(|address| address.ip()).ok(), Some(HERE));
    }

    #[test]
    fn an_accepted_socket_sends_each_write_at_once() {
        let listener = bind_to(HERE, ANY_PORT).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut client = std::net::TcpStream::connect(address).expect("it listens");
        // Silent clients are not accepted for a while.
        client.write_all(b"G").expect("a living socket");
        listener.set_nonblocking(false).expect("a socket");
        let (socket, _) = listener.accept().expect("a client");
        assert!(socket.nodelay().expect("a socket"));
    }

    #[test]
    fn a_port_in_use_is_not_bound_at_the_second_address() {
        let taken = bind_to(HERE, ANY_PORT).expect("a free port");
        let other = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
        let error = bind_to_either([HERE, other], same_port(&taken)).expect_err("it is taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_is_shared_only_if_all_processes_want_that() {
        let first = bind_to(HERE, ListenOptions { reuse_port: true, ..ANY_PORT }).expect("a port");
        let alone = same_port(&first);
        let error = bind_to(HERE, alone).expect_err("only one shares it");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        bind_to(HERE, ListenOptions { reuse_port: true, ..alone }).expect("both share it");
    }

    #[test]
    fn a_listener_for_ipv6_alone_leaves_the_port_of_ipv4_free() {
        let everywhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let Ok(first) = bind_to(everywhere, ListenOptions { ipv6_only: true, ..ANY_PORT }) else {
            return; // The machine has no IPv6.
        };
        bind_to(HERE, same_port(&first)).expect("the port is free");
    }

    fn same_port(listener: &std::net::TcpListener) -> ListenOptions {
        ListenOptions::on(HERE, listener.local_addr().expect("it is bound").port())
    }
}
