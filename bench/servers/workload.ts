/** What a server under test is to do: the same paths, messages and rates for all of them. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../src/server/sources/pace";
import { synthetic } from "../../src/server/sources/synthetic";
import { feed } from "../../src/sources/feed";

/**
 * Who receives what. `one`: all clients the same channel. `thousand`: each client one of 1,000.
 * `private`: each client a channel of its own and one that all have; messages alternate.
 */
export type Channels = "one" | "thousand" | "private";

export interface Workload {
  readonly clients: number;
  /** Messages a second; 0 publishes nothing. */
  readonly rate: number;
  readonly sizeBytes: number;
  readonly channels: Channels;
  /** Whether messages are compressed for clients that offer it. */
  readonly compress: boolean;
}

/** By which the runner hands a workload to a server. */
export const WORKLOAD_VARIABLE = "BENCH_WORKLOAD";

/** All messages go on the channel of this name, or of one that begins with it. */
const COMMON = "ticks";

const THOUSAND = 1000;

/** The timer of both Bun and Node. */
const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
};

/** The workload that the runner gave to this process. */
export function givenWorkload(): Workload {
  const given = process.env[WORKLOAD_VARIABLE];
  if (given === undefined)
    throw new Error(`${WORKLOAD_VARIABLE} is not set; use \`bun run bench\``);
  return JSON.parse(given) as Workload;
}

/** The channels of the client that connects to `/?client=<number>`. */
export function channelsOf({ channels }: Workload, client: number): string[] {
  if (channels === "thousand") return [`${COMMON}-${client % THOUSAND}`];
  if (channels === "private") return [COMMON, `${COMMON}-${client}`];
  return [COMMON];
}

/** The number of a client by its URL or path. */
export function clientNumber(url: string): number {
  return Number(/[?&]client=(\d+)/.exec(url)?.[1] ?? 0);
}

/** Publishes until the process ends, at the rate and in the pattern of the workload. */
export async function publishTo(
  workload: Workload,
  publish: (channel: string, message: string) => void,
): Promise<void> {
  const { rate, sizeBytes: size } = workload;
  if (rate === 0) return;
  const source = synthetic({ channel: COMMON, rate, size }, CLOCK);
  let n = 0;
  const sink = {
    saturated: false,
    writable: () => Promise.resolve(),
    publish(_channel: string, message: string | Uint8Array) {
      publish(channelOf(workload, n), message as string);
      n += 1;
      return { subscribers: 0, shards: 0, dropped: 0, saturated: 0 };
    },
  };
  await feed(source, sink, new AbortController().signal);
}

function channelOf({ channels, clients }: Workload, n: number): string {
  if (channels === "thousand") return `${COMMON}-${n % THOUSAND}`;
  if (channels === "private" && n % 2 === 1) return `${COMMON}-${((n - 1) / 2) % clients}`;
  return COMMON;
}

/** Lets the runner know that clients may connect. */
export function announce(port: number | undefined): void {
  console.log(`listening ${port}`);
}
