//! What the core refuses, in words for the caller.

use crate::ids::ClientKey;
use std::fmt;

/// A call that cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// One more channel than a client may be subscribed to.
    TooManyChannels {
        /// The client.
        client: ClientKey,
        /// How many it may have.
        limit: usize,
    },
    /// The door is open already.
    AlreadyListening,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::TooManyChannels { client, limit } => {
                write!(f, "client {client} is subscribed to {limit} channels, which is the limit")
            }
            Error::AlreadyListening => f.write_str("the server listens already"),
        }
    }
}

impl std::error::Error for Error {}
