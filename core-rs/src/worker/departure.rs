//! Why a client has left, as the worker knows that has decided it.

use crate::worker::cohort::log::Lag;

/// The cause of a departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The application wants it, or a shutdown.
    App,
    /// It has closed by itself.
    Client,
    /// It was too slow: past the limits of what a client may lag, or past `backpressureLimit` where
    /// that closes.
    Slow,
    /// It was silent for too long.
    Idle,
    /// Its connection has ended or broken without a closing handshake.
    Broken,
    /// It broke the protocol, or one of its limits.
    Violation,
    /// It has not finished a message: in time, or before it was too much.
    Unfinished,
    /// Its worker has panicked, which is a fault of ours.
    Failed,
}

/// A departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Why the client has left.
    pub cause: Cause,
    /// The messages that waited for it then, published and direct. Unknown when its worker has
    /// failed.
    pub waiting: Option<Lag>,
}
