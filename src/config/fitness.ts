/** Where a configuration fits the machine badly. */

import type { ResolvedConfig } from "./config";

/** The limits of the machine. */
export interface Machine {
  cores: number;
  /** Files that this process may have open, however much it asks for more: the hard limit. */
  fileLimit: number;
}

/**
 * Threads beyond the cores take turns, which costs no throughput but time: with 32 a core, HTTP
 * still answers within a few hundredths of a second while they are all at work (`bench/README.md`).
 */
const MAX_WORKERS_PER_CORE = 32;
/** Of each worker: its epoll and its bell. */
const FILES_PER_WORKER = 2;
/** For the runtime, the files of the app, and connections that are not clients. */
const OTHER_FILES = 200;

/** What does not fit the sharded broadcaster and what can be done about it, one text each. */
export function misfits(config: ResolvedConfig, { cores, fileLimit }: Machine): string[] {
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

function tooFewFiles(config: ResolvedConfig, fileLimit: number): string | undefined {
  const { numShards, maxClients } = config;
  const { clients, others } = filesOf(config);
  const needed = clients + others;
  if (needed <= fileLimit) return undefined;
  const most = fileLimit - others;
  const instead = most > 0 ? `, or set numShards times maxClients to at most ${most}` : "";
  return (
    `${clients} clients (${numShards} shards of ${maxClients}) and the process itself may open ` +
    `${needed} files, and the hard limit is ${fileLimit}: ${toRaiseTo(needed)}${instead}`
  );
}

/** What to do where the files did not even suffice for a start. */
export function noFilesToStart(config: ResolvedConfig, fileLimit: number): string {
  const { clients, others } = filesOf(config);
  return (
    `the hard limit of ${fileLimit} open files is too low to start: the process with its worker ` +
    `threads may open ${others}, and ${clients} clients one more each: ${toRaiseTo(clients + others)}`
  );
}

function filesOf({ numShards, workersPerShard, maxClients }: ResolvedConfig) {
  const others = OTHER_FILES + numShards * workersPerShard * FILES_PER_WORKER;
  return { clients: numShards * maxClients, others };
}

/** A process cannot raise its own hard limit: the program that starts it can. */
function toRaiseTo(files: number): string {
  return (
    `raise it with LimitNOFILE=${files} in a systemd unit, --ulimit nofile=${files} of a ` +
    `container, or ulimit -n ${files} in a shell of root`
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
