//! What a client may do wrong, and the close code for it.

use crate::frame::close_code;
use crate::frame::compression::InflateError;
use crate::frame::utf8::NotUtf8;

/// The client broke the protocol: the connection has to be closed with this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Close code (RFC 6455, section 7.4.1).
    pub code: u16,
    /// What was wrong, for the close frame.
    pub reason: &'static str,
}

impl Violation {
    pub(super) const fn protocol(reason: &'static str) -> Violation {
        Violation { code: close_code::PROTOCOL_ERROR, reason }
    }

    pub(super) const TOO_BIG: Violation =
        Violation { code: close_code::TOO_BIG, reason: "message too big" };
    pub(super) const NOT_UTF8: Violation =
        Violation { code: close_code::INVALID_DATA, reason: "invalid UTF-8" };
    pub(super) const TOO_MANY_BLOCKS: Violation =
        Violation { code: close_code::TOO_BIG, reason: "message of too many compressed blocks" };
    pub(super) const NOT_DEFLATED: Violation =
        Violation { code: close_code::INVALID_DATA, reason: "invalid compressed data" };
}

impl From<InflateError> for Violation {
    fn from(error: InflateError) -> Violation {
        match error {
            InflateError::TooBig => Violation::TOO_BIG,
            InflateError::TooManyBlocks => Violation::TOO_MANY_BLOCKS,
            InflateError::Malformed => Violation::NOT_DEFLATED,
        }
    }
}

impl From<NotUtf8> for Violation {
    fn from(_: NotUtf8) -> Violation {
        Violation::NOT_UTF8
    }
}
