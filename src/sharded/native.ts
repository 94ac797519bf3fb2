/**
 * The typed face of the native addon. Nothing else in `src/` names the addon's files, which
 * `bun run build` generates, types included.
 */

import { join } from "node:path";

import type * as addon from "../../native/index";
import { ShardcastError } from "../errors";
import type { PublishResult } from "../publish-result";
import { ACCEPT_CLIENT_BITS, PUBLISH_SATURATED_BITS, PUBLISH_SHARD_BITS } from "./constants";
import { nativeProblem } from "./native-problem";

export type {
  ChannelTotals,
  Core,
  CoreEvent,
  CoreOptions,
  DeliveryCounts,
  DisconnectCause,
  DoorAddress,
  DoorOptions,
  DroppedMessages,
  MissedMessages,
  QuickCalls,
  RefusedAtDoor,
  WorkerCounters,
} from "../../native/index";

/** What the addon exports. */
export type NativeModule = typeof addon;

/** What each higher part of an answer is a multiple of. It may lie beyond the 32 bits of `>>`. */
const ACCEPT_WORKER = 2 ** ACCEPT_CLIENT_BITS;
const PUBLISH_UPPER = 2 ** (PUBLISH_SHARD_BITS + PUBLISH_SATURATED_BITS);

const SHARD_MASK = 2 ** PUBLISH_SHARD_BITS - 1;
const SATURATED_MASK = 2 ** PUBLISH_SATURATED_BITS - 1;

/**
 * Loads the addon, on first use, so that `useSharding: false` runs without it.
 *
 * @throws ShardcastError `NATIVE_MISSING` with what to do, where there is none that loads
 */
export function loadNative(): NativeModule {
  try {
    return require("../../native/index.js") as NativeModule;
  } catch (cause) {
    const problem = nativeProblem(join(import.meta.dir, "../../native"), process, cause);
    throw new ShardcastError("NATIVE_MISSING", problem, { cause });
  }
}

/**
 * Raises this process's soft limit of open files to the hard one. A start with sharding does so
 * too.
 *
 * @returns the limit now in force
 */
export function raiseFileLimit(): number {
  return loadNative().raiseFileLimit();
}

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
