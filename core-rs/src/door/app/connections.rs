//! The connections to the application, each kept for the next request.
//!
//! One client's answer must never become another's. HTTP/1.1 separates answers by their
//! order alone, so a connection is for one exchange at a time, and free for another only when that
//! has ended beyond doubt: the request was sent whole before its answer began, the answer is whole,
//! and nothing has come behind it (which is hyper's to see). In all other cases it is closed.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, getrlimit};
use tokio::net::{UnixSocket, UnixStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use crate::door::app::socket::{AppSocket, SocketStatus};
use crate::door::app::upload::Upload;
use crate::door::app::upstream::Upstream;

/// Bytes of a response's head: as much as browsers take.
const MAX_HEAD_BYTES: usize = 256 * 1024;

/// Fields of a response's head. Bun has no such limit, and hyper makes room for so many with each
/// response.
const MAX_FIELDS: usize = 1000;

/// Idle connections that are kept for the next requests.
const MAX_IDLE: usize = 256;

/// Descriptors that requests leave to everything else.
const RESERVED_FILES: u64 = 16;

/// See the module's description.
pub(crate) struct AppConnections {
    upstream: Upstream,
    http: Builder,
    /// Connections that there may be at once, each with one request at most.
    max_open: usize,
    /// Descriptors that the process may have.
    max_files: u64,
    open: Rc<Cell<usize>>,
    idle: Rc<Idle>,
    idle_time: Duration,
}

/// The connections that no request uses, the last used at the end.
#[derive(Default)]
struct Idle {
    connections: RefCell<VecDeque<(Instant, AppConnection)>>,
    added: Notify,
}

/// One connection.
struct AppConnection {
    sender: SendRequest<Upload>,
    status: Rc<SocketStatus>,
}

/// A connection that is lent for one request.
pub(crate) struct LentConnection {
    connection: AppConnection,
    idle: Rc<Idle>,
    /// Whether it has carried a request before.
    is_used: bool,
}

/// Why there is no connection.
pub(crate) enum NoConnection {
    /// All that there may be are in use, or few descriptors are left.
    Busy,
    /// The application does not take one.
    Unreachable(io::Error),
}

/// A request that was sent in vain.
pub(crate) struct FailedRequest {
    pub(crate) error: hyper::Error,
    /// The request, if none of it was sent.
    pub(crate) unsent: Option<Request<Upload>>,
    /// Whether the application has left bytes of it unread, and so has not acted on it.
    pub(crate) is_unread: bool,
}

/// Counts an open connection for as long as it lives.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(open: &Rc<Cell<usize>>) -> Counted {
        open.set(open.get() + 1);
        Counted(Rc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl AppConnections {
    pub(crate) fn new(upstream: Upstream, max_open: usize, idle_time: Duration) -> AppConnections {
        let mut http = Builder::new();
        // A buffer may have more room than was asked for, so that it alone is no exact limit.
        http.max_header_size(MAX_HEAD_BYTES).max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_FIELDS);
        AppConnections {
            upstream,
            http,
            max_open,
            max_files: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
            open: Rc::default(),
            idle: Rc::default(),
            idle_time,
        }
    }

    /// A connection that is no part of these, for one use.
    pub(crate) async fn connect(&self) -> io::Result<UnixStream> {
        self.upstream.connect(UnixSocket::new_stream()?).await
    }

    /// A connection for one request: the one that was used last, or a new one.
    pub(crate) async fn lend(&self) -> Result<LentConnection, NoConnection> {
        while let Some(mut connection) = self.idle.take() {
            // It is not ready yet right after its last exchange, nor ever again if it was closed.
            if connection.sender.ready().await.is_ok() {
                return Ok(LentConnection {
                    connection,
                    idle: Rc::clone(&self.idle),
                    is_used: true,
                });
            }
        }
        self.lend_new().await
    }

    /// A new connection for one request.
    pub(crate) async fn lend_new(&self) -> Result<LentConnection, NoConnection> {
        if self.open.get() >= self.max_open {
            return Err(NoConnection::Busy);
        }
        let counted = Counted::new(&self.open);
        let socket = UnixSocket::new_stream().map_err(NoConnection::Unreachable)?;
        // Before it connects: what connects and is closed takes a descriptor of the application
        // too.
        if self.is_short_of_files(&socket) {
            return Err(NoConnection::Busy);
        }
        let socket = self.upstream.connect(socket).await.map_err(NoConnection::Unreachable)?;
        let (socket, status) = AppSocket::new(socket);
        let shaken = self.http.handshake(TokioIo::new(socket)).await;
        let (sender, connection) =
            shaken.map_err(|error| NoConnection::Unreachable(io::Error::other(error)))?;
        spawn_local(async move {
            // What goes wrong with it the request learns that it carries.
            let _ = connection.await;
            drop(counted);
        });
        let connection = AppConnection { sender, status };
        Ok(LentConnection { connection, idle: Rc::clone(&self.idle), is_used: false })
    }

    /// Whether the application might find no descriptor to accept this connection with: it would
    /// try over and over then, and do little else.
    ///
    /// The system gives out the lowest descriptor that is free, so the newest shows how many are
    /// taken. The application takes another for each connection, unless it has done so already.
    fn is_short_of_files(&self, newest: &UnixSocket) -> bool {
        let taken = u64::try_from(newest.as_raw_fd()).unwrap_or(u64::MAX);
        let to_come = self.open.get() as u64 + RESERVED_FILES;
        taken.saturating_add(to_come) >= self.max_files
    }

    /// Closes connections that were idle for too long, for ever.
    pub(crate) async fn expire(&self) {
        loop {
            self.idle.added.notified().await;
            while let Some(since) = self.idle.oldest() {
                sleep_until(since + self.idle_time).await;
                self.idle.expire(self.idle_time);
            }
        }
    }
}

impl Idle {
    fn take(&self) -> Option<AppConnection> {
        self.connections.borrow_mut().pop_back().map(|(_, connection)| connection)
    }

    fn add(&self, connection: AppConnection) {
        let mut connections = self.connections.borrow_mut();
        if connections.len() < MAX_IDLE {
            connections.push_back((Instant::now(), connection));
            self.added.notify_one();
        }
    }

    fn oldest(&self) -> Option<Instant> {
        self.connections.borrow().front().map(|(since, _)| *since)
    }

    fn expire(&self, time: Duration) {
        let now = Instant::now();
        let mut connections = self.connections.borrow_mut();
        while connections.front().is_some_and(|(since, _)| *since + time <= now) {
            connections.pop_front();
        }
    }
}

impl LentConnection {
    pub(crate) fn is_used(&self) -> bool {
        self.is_used
    }

    /// Sends a request. Beside the response is the connection, if it can be used again once the
    /// response has ended.
    pub(crate) async fn send(
        mut self,
        request: Request<Upload>,
    ) -> Result<(Response<Incoming>, Option<LentConnection>), FailedRequest> {
        let ended = request.body().ended();
        match self.connection.sender.try_send_request(request).await {
            Ok(response) => {
                let is_sent = ended.get() && !self.connection.status.has_unsent();
                Ok((response, is_sent.then_some(self)))
            }
            Err(mut failed) => Err(FailedRequest {
                unsent: failed.take_message(),
                error: failed.into_error(),
                is_unread: self.connection.status.has_unread(),
            }),
        }
    }

    /// The exchange has ended as it should.
    pub(crate) fn give_back(self) {
        if !self.connection.sender.is_closed() {
            self.idle.add(self.connection);
        }
    }
}
