//! Counts the calls by which a process writes: `send`, `sendto`, `sendmsg`, `sendmmsg`, `write`,
//! `writev`.
//!
//! To be named in `LD_PRELOAD`. The count is the first eight bytes, in this machine's order, of the
//! file that `COUNT_WRITES` names, which must exist and be that long; a reader maps or reads it at
//! any time. It costs one atomic addition a call, where a tracer would cost more than the call.
//!
//! Each function here replaces libc's of the same name and makes the same system call. So every one
//! has libc's contract, which its callers already keep.

#![cfg(target_os = "linux")]

use libc::{
    c_int, c_long, c_uint, c_void, iovec, mmsghdr, msghdr, size_t, sockaddr, socklen_t, ssize_t,
};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the count is; a count of its own when there is no file.
static COUNT: OnceLock<&'static AtomicU64> = OnceLock::new();
static UNSEEN: AtomicU64 = AtomicU64::new(0);

fn count() {
    COUNT.get_or_init(|| mapped().unwrap_or(&UNSEEN)).fetch_add(1, Ordering::Relaxed);
}

fn mapped() -> Option<&'static AtomicU64> {
    let path = std::env::var_os("COUNT_WRITES")?;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).ok()?;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let fd = std::os::fd::AsRawFd::as_raw_fd(&file);
    // SAFETY: no address is asked for, and the descriptor is open for reading and writing.
    let address =
        unsafe { libc::mmap(std::ptr::null_mut(), 8, protection, libc::MAP_SHARED, fd, 0) };
    if address == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the mapping is a whole page, so aligned, is never undone, and is only used
    // atomically.
    Some(unsafe { AtomicU64::from_ptr(address.cast()) })
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn send(
    fd: c_int,
    bytes: *const c_void,
    size: size_t,
    flags: c_int,
) -> ssize_t {
    count();
    let no_address = std::ptr::null::<sockaddr>();
    // SAFETY: the caller keeps libc's contract.
    unsafe {
        libc::syscall(libc::SYS_sendto, fd, bytes, size, flags, no_address, 0 as c_long) as ssize_t
    }
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendto(
    fd: c_int,
    bytes: *const c_void,
    size: size_t,
    flags: c_int,
    address: *const sockaddr,
    address_size: socklen_t,
) -> ssize_t {
    count();
    // SAFETY: the caller keeps libc's contract.
    unsafe {
        libc::syscall(libc::SYS_sendto, fd, bytes, size, flags, address, address_size) as ssize_t
    }
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t {
    count();
    // SAFETY: the caller keeps libc's contract.
    unsafe { libc::syscall(libc::SYS_sendmsg, fd, message, flags) as ssize_t }
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sendmmsg(
    fd: c_int,
    messages: *mut mmsghdr,
    length: c_uint,
    flags: c_int,
) -> c_int {
    count();
    // SAFETY: the caller keeps libc's contract.
    unsafe { libc::syscall(libc::SYS_sendmmsg, fd, messages, length, flags) as c_int }
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, size: size_t) -> ssize_t {
    count();
    // SAFETY: the caller keeps libc's contract.
    unsafe { libc::syscall(libc::SYS_write, fd, bytes, size) as ssize_t }
}

/// As libc has it.
///
/// # Safety
/// As libc's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, vectors: *const iovec, length: c_int) -> ssize_t {
    count();
    // SAFETY: the caller keeps libc's contract.
    unsafe { libc::syscall(libc::SYS_writev, fd, vectors, length) as ssize_t }
}
