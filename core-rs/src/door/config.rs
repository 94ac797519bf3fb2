//! The door's configuration.

use std::path::PathBuf;
use std::time::Duration;

use crate::door::listener::ListenOptions;

/// Bytes that a connection may hold in either direction while a body streams through. A body of any
/// size passes in this much memory.
pub(crate) const STREAM_BUFFER_BYTES: usize = 64 * 1024;

/// Where the door listens, and its limits.
#[derive(Clone, Debug)]
pub struct DoorConfig {
    /// The public address, and whether other processes may share it.
    pub listen: ListenOptions,
    /// The unix socket on which the application answers plain HTTP: its path, or on Linux its
    /// abstract name after a NUL.
    pub upstream: PathBuf,
    /// By which the application recognizes the door; visible ASCII.
    pub upstream_secret: String,
    /// Plain requests that the application may answer at once. One more gets 503.
    pub max_requests: usize,
    /// How long a connection may take to send a whole request head, counted from when it was
    /// accepted or from the head's first byte.
    pub head_timeout: Duration,
    /// How long a connection is kept on which no other request begins, by the door and by the
    /// application behind it. None is for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take nothing of a response before its connection is given up.
    pub write_timeout: Duration,
    /// Size of a request line and its headers, in bytes. A longer head is answered with 431.
    pub max_head_bytes: usize,
    /// Length of a request's host, with its port where a URL has that. A shorter one is answered
    /// with 400. For applications that look for the path from a fixed place in the URL on.
    pub min_authority_bytes: usize,
    /// Size of a request's body, in bytes. A longer body is answered with 413.
    pub max_body_bytes: usize,
    /// How long a client waits for the decision on its upgrade before it gets 503.
    pub upgrade_timeout: Duration,
    /// Upgrades that may wait for their decision at once. One more gets 503.
    pub max_pending_upgrades: usize,
    /// Whether clients may have their messages compressed.
    pub per_message_deflate: bool,
    /// Whether upgrades that come whole take the fast path. Without it hyper reads every request.
    /// For tests.
    pub fast_path: bool,
    /// Whether Bun's development server is behind the door, with sockets of its own.
    pub has_dev_server: bool,
}
