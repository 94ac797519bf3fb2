//! The receiving side of a client: whether it is read from, and what is kept of what it has sent.
//!
//! A pass looks at none of this, so it stands apart from what it looks at.

use bytes::BytesMut;

use crate::frame::{Decoder, Violation};
use crate::worker::client::discards::Discards;

/// Limit of pings that are on their way through the application. A client that has sent so many is
/// not read from until some are answered.
const MOST_PONGS_DUE: u8 = 128;

/// See the module's description. Only the client's worker touches it.
#[derive(Default)]
pub struct Receiving {
    /// The client stands on the worker's list of clients to read from.
    pub to_read: bool,
    /// Nothing is read until the application says so.
    pub paused: bool,
    /// The peer has ended its side: read until the end shows.
    pub half_closed: bool,
    /// The application got an event of something that the client sent, and may answer.
    pub app_notified: bool,
    /// The client has sent a message, which the application may still be answering: so that no pong
    /// comes before that answer, its pings are answered through the application.
    pub has_sent: bool,
    /// Its pings that are on their way through the application.
    pub pongs_due: u8,
    /// What it sends that no handler of the application is for.
    pub discards: Discards,
    /// What it has sent in part.
    pub decoder: Decoder,
    /// What was read and is not decoded yet: by the door, or in a turn that had more than its
    /// share.
    read_ahead: Option<Box<BytesMut>>,
    /// Why nothing that it sends from now on means anything.
    pub peer_done: Option<Box<PeerDone>>,
}

/// How a client's peer was done: nothing that it sends afterwards counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerDone {
    /// With a close frame.
    Close {
        /// None when the frame was empty.
        code: Option<u16>,
        /// Empty without a code.
        reason: String,
    },
    /// With something that the protocol does not allow.
    Violation(Violation),
    /// With a message of which the rest did not come in time, or is too much to keep.
    Unfinished(Violation),
    /// With the end of its side of the connection. It may still read.
    End,
}

impl Receiving {
    /// Whether an open client is read from: not while the application has paused it or has still to
    /// answer what it sent last, or many of its pings.
    pub fn is_wanted(&self) -> bool {
        !self.paused && self.peer_done.is_none() && self.pongs_due < MOST_PONGS_DUE
    }

    /// True when the client sent a close frame while it was open.
    pub fn has_closed(&self) -> bool {
        matches!(self.peer_done.as_deref(), Some(PeerDone::Close { .. }))
    }

    /// Keeps what was read for later decoding.
    pub fn read_later(&mut self, bytes: BytesMut) {
        self.read_ahead = (!bytes.is_empty()).then(|| Box::new(bytes));
    }

    /// Bytes that were read ahead.
    pub fn read_ahead_bytes(&self) -> usize {
        self.read_ahead.as_ref().map_or(0, |bytes| bytes.len())
    }

    /// Takes what was read ahead.
    pub fn take_read_ahead(&mut self) -> Option<BytesMut> {
        self.read_ahead.take().map(|bytes| *bytes)
    }
}
