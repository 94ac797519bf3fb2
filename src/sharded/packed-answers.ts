/** The answers of the core's quick calls, which are numbers that hold several. */

import type { PublishResult } from "../publish-result";
import { ACCEPT_CLIENT_BITS, PUBLISH_SATURATED_BITS, PUBLISH_SHARD_BITS } from "./constants";

/** What each higher part of an answer is a multiple of. It may lie beyond the 32 bits of `>>`. */
const ACCEPT_WORKER = 2 ** ACCEPT_CLIENT_BITS;
const PUBLISH_UPPER = 2 ** (PUBLISH_SHARD_BITS + PUBLISH_SATURATED_BITS);

const SHARD_MASK = 2 ** PUBLISH_SHARD_BITS - 1;
const SATURATED_MASK = 2 ** PUBLISH_SATURATED_BITS - 1;

/**
 * Unpacks what `accept` returns for a client: its handle, and its worker counted over all shards.
 */
export function decodeAccept(packed: number): { handle: number; worker: number } {
  return { handle: packed >>> 0, worker: Math.floor(packed / ACCEPT_WORKER) };
}

/**
 * Unpacks what `publishText` and `publishBinary` return. Where workers dropped the message there is
 * no room for its subscribers, who are 0 then.
 */
export function decodePublish(packed: number): PublishResult {
  const counts = Math.abs(packed);
  const upper = Math.floor(counts / PUBLISH_UPPER);
  const shards = counts & SHARD_MASK;
  const saturated = (counts >>> PUBLISH_SHARD_BITS) & SATURATED_MASK;
  if (packed >= 0) return { subscribers: upper, shards, dropped: 0, saturated };
  return { subscribers: 0, shards, dropped: upper, saturated };
}
