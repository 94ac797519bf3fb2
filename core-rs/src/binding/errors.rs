//! Errors as JavaScript knows them, each with a `code`.

use std::io;

/// A value that the caller must not give.
pub(super) fn invalid(message: String) -> napi::Error<&'static str> {
    napi::Error::new("EINVAL", message)
}

/// An error with the system's name for it as its `code`.
pub(super) fn io_error(error: io::Error) -> napi::Error<&'static str> {
    let code = match error.kind() {
        io::ErrorKind::AddrInUse => "EADDRINUSE",
        io::ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        io::ErrorKind::PermissionDenied => "EACCES",
        _ if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => "EMFILE",
        _ => "EIO",
    };
    napi::Error::new(code, error.to_string())
}
