/**
 * The typed face of the native addon. Nothing else in `src/` names the addon's files, which
 * `bun run build` generates, types included.
 */

import { join } from "node:path";

import type * as addon from "../../native/index";

import type { PublishResult } from "../broadcaster";
import { ShardcastError } from "../errors";
import { nativeProblem } from "./native-problem";

export type {
  Account,
  ChannelTotals,
  Core,
  CoreEvent,
  CoreOptions,
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

/** `accept` answers this when the client's shard holds `maxClients` already. */
export const SHARD_FULL = -1;
/** `accept` answers this when the asking client has gone. */
export const ASK_GONE = -2;

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
  return { handle: packed >>> 0, worker: Math.floor(packed / 2 ** 32) };
}

/**
 * Unpacks what `publishText` and `publishBinary` return. Where workers dropped the message there is
 * no room for its subscribers, who are 0 then.
 */
export function decodePublish(packed: number): PublishResult {
  const counts = Math.abs(packed);
  // The upper count lies beyond the 32 bits that bitwise operators see.
  const upper = Math.floor(counts / 2 ** 24);
  const shards = counts & 0x7ff;
  const saturated = (counts >>> 11) & 0x1fff;
  if (packed >= 0) return { subscribers: upper, shards, dropped: 0, saturated };
  return { subscribers: 0, shards, dropped: upper, saturated };
}
