//! Close codes (RFC 6455, section 7.4, and the registry of IANA).

/// The server ends.
pub const GOING_AWAY: u16 = 1001;
/// The other side has broken the protocol.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Stands for a close frame without a code, and is never sent.
pub const NO_STATUS: u16 = 1005;
/// Stands for a connection that ended without a close frame, and is never sent.
pub const ABNORMAL: u16 = 1006;
/// Text that is not UTF-8, or data that does not inflate.
pub const INVALID_DATA: u16 = 1007;
/// A limit was broken for which there is no other code.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message was too large.
pub const TOO_BIG: u16 = 1009;
/// The server has no room; the client may come back.
pub const TRY_AGAIN_LATER: u16 = 1013;

/// The codes that may stand in a frame: the first and the last of each range.
pub const SENDABLE: [[u16; 2]; 3] = [[1000, 1003], [1007, 1014], [3000, 4999]];

/// Whether a code may stand in a frame.
pub fn is_sendable(code: u16) -> bool {
    SENDABLE.iter().any(|&[first, last]| (first..=last).contains(&code))
}
