//! Connections to the application's unix socket.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::app_socket::AppSocket;

/// How long a full backlog of the application's is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Wait between two attempts to get into a full backlog.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// Connects to one path, whatever URI is asked for.
#[derive(Clone)]
pub(super) struct Upstream {
    path: Arc<Path>,
}

impl Upstream {
    pub(super) fn new(path: &Path) -> Upstream {
        Upstream { path: Arc::from(path) }
    }

    pub(super) async fn connect(&self) -> io::Result<UnixStream> {
        connect(&self.path).await
    }
}

impl Service<Uri> for Upstream {
    type Response = TokioIo<AppSocket>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let path = Arc::clone(&self.path);
        Box::pin(async move { connect(&path).await.map(AppSocket::new).map(TokioIo::new) })
    }
}

/// Connects, and waits for a place in the backlog: unlike TCP, a unix socket turns a connection
/// away at once when its backlog is full, as it is in a burst of requests.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    loop {
        match UnixStream::connect(path).await {
            Err(error) if is_full(&error) && Instant::now() < deadline => {
                sleep(CONNECT_PAUSE).await;
            }
            connected => return connected,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
