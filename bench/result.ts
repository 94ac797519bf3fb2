/** What one run gave. */

import type { ContestantName } from "./contestants";

/** The fields of the load tester's report that are used here; `load-test --json` has more. */
export interface LoadReport {
  readonly connected: number;
  readonly connect_s: number;
  readonly failed: number;
  readonly closed: Readonly<Record<string, number>>;
  readonly live_clients: number;
  readonly duration_s: number;
  readonly messages: number;
  readonly messages_per_second: number;
  readonly bytes_per_second: number;
  readonly messages_per_read: number;
  readonly latency_p50_us: number | null;
  readonly latency_p99_us: number | null;
  readonly missing: number;
  readonly out_of_order: number;
  readonly cpu_percent: number;
  readonly saturated: boolean;
}

/** The figures of one contestant in one case. Those of the server are of the measured window. */
export interface Result {
  readonly contestant: ContestantName;
  readonly connected: number;
  readonly connectsPerSecond: number;
  /** The same of all clients when they have left and come back. */
  readonly reconnectsPerSecond?: number;
  /** Deliveries a second. */
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  /** From publish to receipt; `NaN` where messages carry no time. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU-seconds of the server for a million deliveries. */
  readonly cpuPerMillion: number;
  readonly cpuPercent: number;
  /** Write calls of the server for a million deliveries. */
  readonly writesPerMillion: number;
  readonly residentBytes: number;
  /** Growth of the server's memory since it listened, for each client. */
  readonly bytesPerClient: number;
  /** Messages that the numbers show to be lost, of clients that stayed. */
  readonly missing: number;
  /** Clients that could not connect, or that the server closed. */
  readonly failed: number;
  readonly closed: number;
  readonly probeP99Ms?: number;
  /** Microseconds of the server's CPU that each connect took, by the names of its threads. */
  readonly connectCpu: Readonly<Record<string, number>>;
  readonly testerCpuPercent: number;
  /** Of the server's core, what others on the same hardware took. */
  readonly stolenPercent: number;
  /** The load tester was full before the server. */
  readonly testerFull: boolean;
}

/** Why the figures are no result; nothing where they are one. */
export function voidReason({ testerFull, missing }: Result): string | undefined {
  if (testerFull) return "the load tester was full first";
  return missing > 0 ? "messages are missing" : undefined;
}

/**
 * Percent of the server's core that others may take in a run that says something of its latencies.
 */
const QUIET_PERCENT = 1.5;

/**
 * The median of each figure by itself, of the runs in which the machine was quiet if there were
 * any. What makes a run void counts if it was so in any of them.
 */
export function medianOf(results: readonly Result[]): Result {
  const quiet = results.filter(({ stolenPercent }) => stolenPercent <= QUIET_PERCENT);
  const [first, ...others] = quiet.length > 0 ? quiet : results;
  if (first === undefined) throw new Error("there is no median of no results");
  const runs = [first, ...others];
  const medians = Object.entries(first).map(([key, value]) => [
    key,
    typeof value === "number"
      ? median(runs.map((run) => run[key as keyof Result] as number))
      : value,
  ]);
  const threads = new Set(runs.flatMap(({ connectCpu }) => Object.keys(connectCpu)));
  const connectCpu = [...threads].map((name) => [
    name,
    median(runs.map((run) => run.connectCpu[name] ?? 0)),
  ]);
  return {
    ...Object.fromEntries(medians),
    connectCpu: Object.fromEntries(connectCpu),
    missing: Math.max(...runs.map(({ missing }) => missing)),
    testerFull: runs.some(({ testerFull }) => testerFull),
  } as Result;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
