//! A closing handshake that is about to begin, or to be answered: what the client and what the
//! application get of it.

use crate::frame::{Frame, Violation, close_code};
use crate::worker::client::receiving::PeerDone;
use crate::worker::command::CloseReason;
use crate::worker::departure::Cause;

/// See the module's description.
pub(super) struct CloseHandshake {
    /// What JavaScript gets.
    pub(super) code: u16,
    pub(super) reason: String,
    /// What the client gets.
    pub(super) frame: Frame,
    pub(super) cause: Cause,
}

impl CloseHandshake {
    pub(super) fn by_application(CloseReason { code, reason }: CloseReason) -> CloseHandshake {
        let frame = match code {
            close_code::NO_STATUS => Frame::close_without_code(),
            code => Frame::close(code, &reason),
        };
        let reason = Frame::close_reason(&reason).to_owned();
        CloseHandshake { code, reason, frame, cause: Cause::App }
    }

    /// Answers the client's own close frame with the same, or ends the connection for what the
    /// client did. None for one that has ended its side without a close frame.
    pub(super) fn after(peer_done: PeerDone) -> Option<CloseHandshake> {
        match peer_done {
            PeerDone::Close { code, reason } => {
                let echo = |code| Frame::close(code, &reason);
                let frame = code.map_or_else(Frame::close_without_code, echo);
                let code = code.unwrap_or(close_code::NO_STATUS);
                Some(CloseHandshake { code, reason, frame, cause: Cause::Client })
            }
            PeerDone::Violation(violation) => {
                Some(CloseHandshake::for_violation(violation, Cause::Violation))
            }
            PeerDone::Unfinished(violation) => {
                Some(CloseHandshake::for_violation(violation, Cause::Unfinished))
            }
            PeerDone::End => None,
        }
    }

    fn for_violation(Violation { code, reason }: Violation, cause: Cause) -> CloseHandshake {
        CloseHandshake { code, reason: reason.to_owned(), frame: Frame::close(code, reason), cause }
    }

    pub(super) fn too_slow() -> CloseHandshake {
        let (code, reason) = (close_code::TRY_AGAIN_LATER, "slow consumer");
        let frame = Frame::close(code, reason);
        CloseHandshake { code, reason: reason.to_owned(), frame, cause: Cause::Slow }
    }
}
