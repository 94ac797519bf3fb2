//! Non-blocking TCP connects, from a chosen source address if need be.

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Begins to connect to `address`. The socket becomes writable when that has worked or failed.
///
/// # Errors
/// As the system gives them.
pub(crate) fn dial(address: SocketAddr, source: Option<IpAddr>) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    if let Some(source) = source {
        choose_port_at_connect(&socket)?;
        bind(&socket, &SocketAddr::new(source, 0))?;
    }
    match connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error.into()),
    }
}

/// Without this, `bind` reserves a port for the source address alone, and far fewer are to be had
/// than for the pair of source and target.
fn choose_port_at_connect(socket: &OwnedFd) -> io::Result<()> {
    let enabled: libc::c_int = 1;
    // SAFETY: the descriptor is open, and the option is an int that outlives the call, as the
    // pointer and the length say.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const enabled).cast(),
            size_of_val(&enabled) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
