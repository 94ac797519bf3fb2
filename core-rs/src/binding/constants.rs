//! What both languages have to agree on, declared here or where it belongs.
//!
//! TypeScript's modules are loaded on machines without an addon too, so `bun run build` copies
//! these into `src/sharded/constants.ts`, and a test compares the two.

use napi_derive::napi;

use crate::broadcaster::placement;
use crate::door;
use crate::frame;
use crate::frame::close_code;
use crate::worker::client::discards::Discards;

/// Given to `publish` as the client to leave out: a publish to all subscribers.
#[napi]
pub const NO_CLIENT: u32 = 0;
/// Bits of the answer to `publish` that hold the number of shards, from the lowest up.
#[napi]
pub const PUBLISH_SHARD_BITS: u32 = 11;
/// Bits of the answer to `publish`, above those of the shards, that hold the number of saturated
/// workers. What is above them is a count too.
#[napi]
pub const PUBLISH_SATURATED_BITS: u32 = 13;

/// `send` answers this when the message is taken and waits, because the socket is full.
#[napi]
pub const SEND_WAITS: i32 = -1;
/// `send` answers this when the message is dropped.
#[napi]
pub const SEND_DROPPED: i32 = 0;

/// `accept` answers this when the client's shard holds `maxClients` already.
#[napi]
pub const SHARD_FULL: i32 = -1;
/// `accept` answers this when the asking client has gone.
#[napi]
pub const UPGRADE_GONE: i32 = -2;
/// Bits of the answer to `accept` that hold the client. Above them is its worker.
#[napi]
pub const ACCEPT_CLIENT_BITS: u32 = 32;

/// Discards a client's messages.
#[napi]
pub const DISCARD_MESSAGES: u8 = Discards::MESSAGES.bits();
/// Discards a client's pings, which are answered all the same.
#[napi]
pub const DISCARD_PINGS: u8 = Discards::PINGS.bits();
/// Discards a client's pongs.
#[napi]
pub const DISCARD_PONGS: u8 = Discards::PONGS.bits();

/// Numbers and texts of each upgrade in an `Upgrades` event.
#[napi]
pub const UPGRADE_PARTS: u32 = 6;
/// Templates of heads that each side keeps. Of browsers there is one for each page.
#[napi]
pub const MAX_TEMPLATES: u32 = door::MAX_TEMPLATES as u32;
/// Longer templates are no browser's, and neither side keeps them.
#[napi]
pub const MAX_TEMPLATE_BYTES: u32 = door::MAX_TEMPLATE_BYTES as u32;
/// The request header in which the app gets the secret of the door and the address of the client,
/// as `<secret> <ip> <port>`.
#[napi]
pub const PEER_HEADER: &str = door::PEER_HEADER;

/// The most shards.
#[napi]
pub const MAX_SHARDS: u32 = placement::MAX_SHARDS;
/// The most workers of all shards.
#[napi]
pub const MAX_WORKERS: u32 = placement::MAX_WORKERS;

/// Bytes of the payload of a ping, pong or close frame (RFC 6455, section 5.5).
#[napi]
pub const MAX_CONTROL_PAYLOAD: u32 = frame::MAX_CONTROL_PAYLOAD as u32;
/// Bytes of a close reason: the payload without the code.
#[napi]
pub const MAX_CLOSE_REASON_BYTES: u32 = frame::MAX_CLOSE_REASON as u32;

/// Close code of a server that ends.
#[napi]
pub const CLOSE_GOING_AWAY: u16 = close_code::GOING_AWAY;
/// Close code for a broken protocol.
#[napi]
pub const CLOSE_PROTOCOL_ERROR: u16 = close_code::PROTOCOL_ERROR;
/// Stands for a close frame without a code, and is never sent.
#[napi]
pub const CLOSE_NO_STATUS: u16 = close_code::NO_STATUS;
/// Stands for a connection that ended without a close frame, and is never sent.
#[napi]
pub const CLOSE_ABNORMAL: u16 = close_code::ABNORMAL;
/// Close code for text that is not UTF-8, or data that does not inflate.
#[napi]
pub const CLOSE_INVALID_DATA: u16 = close_code::INVALID_DATA;
/// Close code for a message that is too large.
#[napi]
pub const CLOSE_TOO_BIG: u16 = close_code::TOO_BIG;
/// Close code for a client that was too slow, and may come back.
#[napi]
pub const CLOSE_TRY_AGAIN_LATER: u16 = close_code::TRY_AGAIN_LATER;
/// The close codes that may stand in a frame: the first and the last of each range.
#[napi]
pub const SENDABLE_CLOSE_CODES: [[u16; 2]; 3] = close_code::SENDABLE;

/// Close reason of a server that is cut off, in Bun's words.
#[napi]
pub const SERVER_CLOSED: &str = "Server closed";
/// The time in which clients of a server that is cut off may take what is queued, and answer.
#[napi]
pub const CUT_OFF_TIMEOUT_MS: u32 = 1000;

const _: () = assert!(MAX_SHARDS < 1 << PUBLISH_SHARD_BITS, "there is room for all shards");
const _: () = assert!(MAX_WORKERS < 1 << PUBLISH_SATURATED_BITS, "there is room for all workers");
