//! Where the application answers plain HTTP.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{UnixSocket, UnixStream};
use tokio::time::{Instant, sleep};

/// How long a full backlog of the application's is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Wait between two attempts to get into a full backlog.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// The application's unix socket: its path, or on Linux its abstract name after a NUL.
pub(crate) struct Upstream {
    path: PathBuf,
}

impl Upstream {
    pub(crate) fn new(path: PathBuf) -> Upstream {
        Upstream { path }
    }

    /// Connects a socket, and waits for a place in the backlog: unlike TCP, a unix socket turns a
    /// connection away at once when its backlog is full, as it is in a burst of requests.
    pub(crate) async fn connect(&self, mut socket: UnixSocket) -> io::Result<UnixStream> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match socket.connect(&self.path).await {
                Err(error) if is_full(&error) && Instant::now() < deadline => {
                    sleep(CONNECT_PAUSE).await;
                    socket = UnixSocket::new_stream()?;
                }
                connected => return connected,
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
