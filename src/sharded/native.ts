/**
 * The typed face of the native addon. Nothing else in `src/` names the addon's files, which
 * `bun run build` generates, types included.
 */

import { join } from "node:path";

import type * as addon from "../../native/index";
import { ShardcastError } from "../errors";
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
  FailureKind,
  HotFunctions,
  MissedMessages,
  RefusedAtDoor,
  WorkerCounters,
} from "../../native/index";

/** What the addon exports. */
export type NativeModule = typeof addon;

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
