/**
 * What is measured, and what it must reach. Messages are 128 bytes unless a case says otherwise,
 * and all targets are ratios within one run.
 */

import type { ContestantName } from "./contestants";
import type { Result } from "./result";
import type { Workload } from "./servers/workload";

/** A figure of a case's results, and the limit that it is to keep. */
export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
  /** The same figure of the floor, where that shows what the load lets anybody reach. */
  readonly floor?: number;
  /** Whether it is what makes a run void, and so is judged in such a run too. */
  readonly judgesVoid?: boolean;
}

/** Finds the result of a contestant in the case at hand. */
export type Finder = (name: ContestantName) => Result;

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly workload: Workload;
  readonly contestants: readonly ContestantName[];
  /** Further flags of the load tester. */
  readonly flags?: readonly string[];
  /** Whether `GET /healthz` is timed meanwhile. */
  readonly probe?: boolean;
  /** Runs for each that is asked for. One that is over in half a second shows what else goes on. */
  readonly runs?: number;
  /** Whether it is shown what a connect costs each of the server's threads. */
  readonly threads?: boolean;
  /** Seconds that the clients stay, in place of what is asked for. */
  readonly staySeconds?: number;
  /** How often all clients leave and connect once more. The last time counts. */
  readonly reconnects?: number;
  /** What is asked of the results, if all contestants of the case took part. */
  readonly targets: readonly ((of: Finder) => Target)[];
}

const workload = (clients: number, rate: number, more: Partial<Workload> = {}): Workload => ({
  clients,
  rate,
  sizeBytes: 128,
  channels: "one",
  compress: false,
  ...more,
});

const atLeast = (what: string, value: number, limit: number): Target => ({
  what,
  value,
  limit: { atLeast: limit },
});

const atMost = (what: string, value: number, limit: number): Target => ({
  what,
  value,
  limit: { atMost: limit },
});

const OURS = "shardcast 1×1";
const RECOMMENDED = "shardcast recommended";
const REFERENCE = "shardcast 8×8";
const BUN = "Bun publish";

const saturation = (clients: number, rate: number): Case => ({
  name: `saturation-${clients}x${rate}`,
  title: `Saturation: ${clients} clients × ${rate} msg/s`,
  workload: workload(clients, rate),
  contestants: [OURS, RECOMMENDED, BUN, "floor"],
  targets: [
    (of) => atLeast("throughput / floor", of(OURS).perSecond / of("floor").perSecond, 0.9),
    (of) => ({
      ...atLeast("throughput / Bun publish", of(OURS).perSecond / of(BUN).perSecond, 5),
      floor: of("floor").perSecond / of(BUN).perSecond,
    }),
  ],
});

const manyChannels = (channels: "thousand" | "private", title: string, rate: number): Case => ({
  name: `channels-${channels}`,
  title: `Many channels: 10,000 clients, ${title}, ${rate} msg/s`,
  workload: workload(10_000, rate, { channels }),
  // A client gets every thousandth message, or two sequences: numbers cannot be verified.
  flags: ["--verify", "none"],
  contestants: [OURS, RECOMMENDED, BUN],
  targets: [(of) => atLeast("throughput / Bun publish", of(OURS).perSecond / of(BUN).perSecond, 1)],
});

export const CASES: readonly Case[] = [
  {
    name: "isolated",
    title: "Isolated messages: 1,000 clients × 100 msg/s",
    workload: workload(1000, 100),
    contestants: [
      OURS,
      RECOMMENDED,
      REFERENCE,
      "Bun broadcaster",
      "Elysia",
      BUN,
      "Bun send loop",
      "ws on Node",
      "Socket.IO",
      "floor",
    ],
    targets: [
      (of) => atMost("CPU / floor", of(OURS).cpuPerMillion / of("floor").cpuPerMillion, 1.1),
      (of) => atMost("CPU / Bun publish", of(OURS).cpuPerMillion / of(BUN).cpuPerMillion, 1),
      (of) => atMost("p99 / floor", of(OURS).p99Ms / of("floor").p99Ms, 1),
      (of) => atMost("p99 / Bun publish", of(OURS).p99Ms / of(BUN).p99Ms, 1),
    ],
  },
  {
    name: "top",
    title: "High rate: 8,000 clients × 800 msg/s",
    workload: workload(8000, 800),
    contestants: [OURS, RECOMMENDED, REFERENCE, "Bun broadcaster", "Elysia", BUN, "floor"],
    targets: [
      (of) => ({ ...atMost("messages missing", of(OURS).missing, 0), judgesVoid: true }),
      (of) => atMost("p99 / floor", of(OURS).p99Ms / of("floor").p99Ms, 1.3),
      (of) => atLeast("8×8: throughput / 1×1", of(REFERENCE).perSecond / of(OURS).perSecond, 0.95),
      (of) => atMost("8×8: p99 / 1×1", of(REFERENCE).p99Ms / of(OURS).p99Ms, 2.5),
    ],
  },
  saturation(5000, 4000),
  saturation(1000, 10_000),
  // The row before saturates Bun alone, which bounds the ratio by what is offered.
  saturation(1000, 40_000),
  {
    name: "healthz",
    title: "HTTP meanwhile: GET /healthz during 5,000 clients × 500 msg/s",
    workload: workload(5000, 500),
    probe: true,
    contestants: [OURS, RECOMMENDED, REFERENCE, BUN],
    targets: [(of) => atMost("GET /healthz p99, ms", of(OURS).probeP99Ms ?? Number.NaN, 5)],
  },
  {
    name: "deflate",
    title: "permessage-deflate: 1,000 clients, 512 bytes of JSON, 10,000 msg/s",
    workload: workload(1000, 10_000, { sizeBytes: 512, compress: true }),
    flags: ["--compress", "--verify", "none"],
    contestants: [OURS, RECOMMENDED, BUN],
    targets: [
      (of) => atLeast("throughput / Bun publish", of(OURS).perSecond / of(BUN).perSecond, 10),
    ],
  },
  manyChannels("thousand", "each on 1 of 1,000", 20_000),
  manyChannels("private", "each on its own and a common one", 200),
  {
    name: "large",
    title: "Large messages: 60 KB, 1,000 clients × 20 msg/s",
    workload: workload(1000, 20, { sizeBytes: 60_000 }),
    contestants: [OURS, RECOMMENDED, BUN, "floor"],
    targets: [
      (of) => atLeast("throughput / Bun publish", of(OURS).perSecond / of(BUN).perSecond, 1),
      (of) => atMost("p99 / Bun publish", of(OURS).p99Ms / of(BUN).p99Ms, 1),
    ],
  },
  {
    name: "storm",
    title: "Connect storm: 10,000 upgrades through an Elysia beforeHandle",
    workload: workload(10_000, 0),
    flags: ["--connect-rate", "1000000/s", "--connect-concurrency", "1000"],
    runs: 5,
    threads: true,
    staySeconds: 1,
    reconnects: 3,
    contestants: [OURS, RECOMMENDED, "core alone", "Elysia"],
    targets: [
      (of) =>
        atLeast(
          "upgrades/s / Elysia",
          of(OURS).connectsPerSecond / of("Elysia").connectsPerSecond,
          1,
        ),
      (of) =>
        atLeast(
          "the same of clients that connect again",
          (of(OURS).reconnectsPerSecond ?? 0) / (of("Elysia").reconnectsPerSecond ?? 0),
          1,
        ),
    ],
  },
  {
    name: "idle",
    // Many systems let one process have 20,000 descriptors, and the workers need some of them.
    title: "Idle connections: 19,500 of them",
    workload: workload(19_500, 0),
    contestants: [OURS, RECOMMENDED, "core alone", "Elysia", BUN],
    targets: [
      (of) => atMost("memory / Elysia", of(OURS).bytesPerClient / of("Elysia").bytesPerClient, 1),
    ],
  },
];
