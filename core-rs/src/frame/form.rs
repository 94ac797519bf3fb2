//! The forms of a message: how it looks on the wire.
//!
//! A form of a message is the same bytes for all clients that take it, and is made once.

/// How a client takes its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// A frame with the payload as it is.
    #[default]
    Raw,
    /// A frame with the payload deflated, with the usual window of 32 KiB.
    Deflated,
    /// The same with the smallest window there is. A client that limits the server's window at all
    /// gets this one, so that a message has two deflated forms and not seven.
    DeflatedNarrow,
}

impl Form {
    /// How many forms there are.
    pub const COUNT: usize = 3;

    /// Whether the client has agreed to permessage-deflate. Then its own messages may be deflated,
    /// too.
    pub fn is_deflated(self) -> bool {
        self != Form::Raw
    }
}
