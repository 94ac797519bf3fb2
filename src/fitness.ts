/** Where a configuration fits the machine badly. */

import type { ResolvedConfig } from "./config";

/** What there is to be known of the machine. */
export interface Machine {
  cores: number;
  /** Files that this process may have open; unknown without the addon, which is what asks. */
  fileLimit?: number | undefined;
}

/**
 * Threads beyond the cores take turns, which costs no throughput but time: with 32 a core, HTTP
 * still answers within a few hundredths of a second while they are all at work (`bench/README.md`).
 */
const MAX_WORKERS_PER_CORE = 32;
/** Of each worker: its epoll and its bell. */
const FILES_PER_WORKER = 2;
/** For the runtime, the files of the app, and connections that are no clients, or not yet. */
const OTHER_FILES = 200;

/** What does not fit and what can be done, one text each. The original broadcaster always fits. */
export function misfits(config: ResolvedConfig, { cores, fileLimit }: Machine): string[] {
  if (!config.useSharding) return [];
  const texts = [tooManyWorkers(config, cores), tooFewFiles(config, fileLimit)];
  return texts.filter((text) => text !== undefined);
}

function tooManyWorkers(config: ResolvedConfig, cores: number): string | undefined {
  const { numShards, workersPerShard } = config;
  const workers = numShards * workersPerShard;
  const most = cores * MAX_WORKERS_PER_CORE;
  if (workers <= most) return undefined;
  return (
    `${workers} worker threads (${numShards} shards of ${workersPerShard}) are too many for ` +
    `${counted(cores, "core")}: set numShards times workersPerShard to at most ${most}`
  );
}

function tooFewFiles(config: ResolvedConfig, fileLimit = Number.POSITIVE_INFINITY) {
  const { numShards, workersPerShard, maxClients } = config;
  const clients = numShards * maxClients;
  const others = OTHER_FILES + numShards * workersPerShard * FILES_PER_WORKER;
  const needed = clients + others;
  if (needed <= fileLimit) return undefined;
  return (
    `${clients} clients (${numShards} shards of ${maxClients}) and the process itself may open ` +
    `${needed} files, and the limit is ${fileLimit}: raise it with ulimit -n ${needed}, or set ` +
    `numShards times maxClients to at most ${Math.max(fileLimit - others, 0)}`
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
