//! The kinds of private bytes, and what a write has done with them.

use std::sync::Arc;

/// What a stretch of private bytes is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A published message of the channel of this name, copied from a log. It counts as a delivery,
    /// and it may be skipped.
    Published(Arc<str>),
    /// A message to this client alone. It counts as a delivery.
    Direct,
    /// A ping or pong of the application's, which counts with its bytes alone.
    DirectControl,
    /// A ping, pong or close frame of the core's own, which counts as nothing.
    Control,
}

impl Kind {
    /// The channel of a published message.
    pub(super) fn channel(&self) -> Option<&Arc<str>> {
        match self {
            Kind::Published(channel) => Some(channel),
            Kind::Direct | Kind::DirectControl | Kind::Control => None,
        }
    }

    pub(super) fn is_published(&self) -> bool {
        self.channel().is_some()
    }

    /// Sent by the application to this client alone.
    pub(super) fn is_direct(&self) -> bool {
        matches!(self, Kind::Direct | Kind::DirectControl)
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self, Kind::Published(_) | Kind::Direct)
    }
}

/// What a write has done for a backlog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// Messages that it completed, published and direct.
    pub messages: u64,
    /// Bytes that it took of what the application has sent to the client alone.
    pub direct_bytes: usize,
}
