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

impl Cause {
    /// The cause as JavaScript knows it, where the server has decided by itself to disconnect the
    /// client. `None` where the application, the client or the network has: there is nothing to be
    /// told of that was not known already, or that is not ordinary.
    pub fn of_disconnect(self) -> Option<&'static str> {
        match self {
            Cause::Slow => Some("slow"),
            Cause::Idle => Some("idle"),
            Cause::Violation => Some("violation"),
            Cause::Unfinished => Some("unfinished"),
            Cause::Failed => Some("failed"),
            Cause::App | Cause::Client | Cause::Broken => None,
        }
    }
}
