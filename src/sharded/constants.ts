/**
 * What the core and TypeScript have to agree on. Written by `bun run build`, from
 * core-rs/src/binding/constants.rs and the enums of the binding: do not edit.
 *
 * The values are copies, because these modules are loaded on machines without an addon too, and so
 * that hot calls know them as constants.
 */

/** Bits of the answer to `accept` that hold the client. Above them is its worker. */
export const ACCEPT_CLIENT_BITS = 32;
/** Stands for a connection that ended without a close frame, and is never sent. */
export const CLOSE_ABNORMAL = 1006;
/** Close code of a server that ends. */
export const CLOSE_GOING_AWAY = 1001;
/** Close code for text that is not UTF-8, or data that does not inflate. */
export const CLOSE_INVALID_DATA = 1007;
/** Stands for a close frame without a code, and is never sent. */
export const CLOSE_NO_STATUS = 1005;
/** Close code for a broken protocol. */
export const CLOSE_PROTOCOL_ERROR = 1002;
/** Close code for a message that is too large. */
export const CLOSE_TOO_BIG = 1009;
/** Close code for a client that was too slow, and may come back. */
export const CLOSE_TRY_AGAIN_LATER = 1013;
/** The time in which clients of a server that is cut off may take what is queued, and answer. */
export const CUT_OFF_TIMEOUT_MS = 1000;
/** Discards a client's messages. */
export const DISCARD_MESSAGES = 1;
/** Discards a client's pings, which are answered all the same. */
export const DISCARD_PINGS = 2;
/** Discards a client's pongs. */
export const DISCARD_PONGS = 4;
/**
 * Why the server disconnects a client by itself: it was too slow, or silent for too long, it broke
 * the protocol or one of its limits, it did not complete a message, or its worker has failed.
 */
export const DISCONNECT_CAUSES = ["slow", "idle", "violation", "unfinished", "failed"] as const;
/** How a request of plain HTTP was left without an answer of the app's. */
export const FAILURE_KINDS = ["busy", "unreachable", "unusable", "broken"] as const;
/** Bytes of a close reason: the payload without the code. */
export const MAX_CLOSE_REASON_BYTES = 123;
/** Bytes of the payload of a ping, pong or close frame (RFC 6455, section 5.5). */
export const MAX_CONTROL_PAYLOAD = 125;
/** The most shards. */
export const MAX_SHARDS = 1024;
/** Longer templates are no browser's, and neither side keeps them. */
export const MAX_TEMPLATE_BYTES = 4096;
/** Templates of heads that each side keeps. Of browsers there is one for each page. */
export const MAX_TEMPLATES = 256;
/** The most workers of all shards. */
export const MAX_WORKERS = 4096;
/** Given to `publish` as the client to leave out: a publish to all subscribers. */
export const NO_CLIENT = 0;
/**
 * The request header in which the app gets the secret of the door and the address of the client,
 * as `<secret> <ip> <port>`.
 */
export const PEER_HEADER = "x-shardcast-peer";
/**
 * Bits of the answer to `publish`, above those of the shards, that hold the number of saturated
 * workers. What is above them is a count too.
 */
export const PUBLISH_SATURATED_BITS = 13;
/** Bits of the answer to `publish` that hold the number of shards, from the lowest up. */
export const PUBLISH_SHARD_BITS = 11;
/** `send` answers this when the message is dropped. */
export const SEND_DROPPED = 0;
/** `send` answers this when the message is taken and waits, because the socket is full. */
export const SEND_WAITS = -1;
/** The close codes that may stand in a frame: the first and the last of each range. */
export const SENDABLE_CLOSE_CODES = [
  [1000, 1003],
  [1007, 1014],
  [3000, 4999],
] as const;
/** Close reason of a server that is cut off, in Bun's words. */
export const SERVER_CLOSED = "Server closed";
/** `accept` answers this when the client's shard holds `maxClients` already. */
export const SHARD_FULL = -1;
/** `accept` answers this when the asking client has gone. */
export const UPGRADE_GONE = -2;
/** Numbers and texts of each upgrade in an `Upgrades` event. */
export const UPGRADE_PARTS = 6;
