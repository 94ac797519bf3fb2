//! File descriptors: one for each client, and a few more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but clients: standard streams, epoll, signals, and some to spare.
const SPARE_DESCRIPTORS: u64 = 32;

/// Raises the soft limit of file descriptors to the hard one.
///
/// # Errors
/// A sentence for the user, if even the hard limit is too low for so many clients.
pub(crate) fn raise_descriptor_limit(clients: u64) -> Result<(), String> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
            .map_err(|error| format!("cannot raise the limit of file descriptors: {error}"))?;
    }
    let needed = clients + SPARE_DESCRIPTORS;
    match maximum {
        Some(maximum) if maximum < needed => Err(format!(
            "--clients {clients} needs {needed} file descriptors, but the hard limit is {maximum} \
             (see ulimit -Hn)"
        )),
        _ => Ok(()),
    }
}
