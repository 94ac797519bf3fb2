/**
 * What a publish costs the JavaScript thread: it must depend on the number of workers alone, and not
 * on that of the clients. Run it with `bun run bench:publish`.
 *
 * It is measured in CPU time of that thread: where the workers share the cores with it, they take its
 * turns, and a clock on the wall would count those too. A publish that finds workers asleep pays for
 * waking one of them; of a burst, most find them awake.
 */

import { join } from "node:path";
import { Elysia } from "elysia";
import type { Broadcaster } from "../src";
import { shardcast } from "../src";
import { threadCpuNanoseconds } from "./thread-clock";

const MESSAGE = JSON.stringify({ t: Date.now(), p: "x".repeat(100) });
const LOAD_TESTER = join(import.meta.dir, "../target/release/load-test");

/** A burst is published at once; then everyone gets all of it before the next. */
const BURST = 20;
const ROUNDS = 100;
/** Long enough for every worker to fall asleep. */
const REST_MS = 5;
const WORKERS = [1, 2, 4, 8, 16];
const CLIENTS = [10, 10_000];
/** The load tester's report is nobody's. */
const QUIET = { stdout: "ignore", stderr: "ignore" } as const;

/** A server with so many workers, and clients in another process that subscribe to `ticks`. */
async function serve(workers: number, clients: number) {
  const adapter = shardcast({
    numShards: workers,
    workersPerShard: 1,
    maxClients: clients,
    bufferSize: 100_000,
  });
  const app = new Elysia({ adapter })
    .ws("/", { open: (ws) => void ws.subscribe("ticks") })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const url = `ws://127.0.0.1:${app.server?.port}/`;
  const command = [LOAD_TESTER, "--url", url, "--clients", String(clients), "--duration", "1h"];
  const tester = Bun.spawn([...command, "--json"], QUIET);
  while (adapter.broadcaster.subscriberCount("ticks") < clients) await Bun.sleep(20);
  return { broadcaster: adapter.broadcaster, tester };
}

/** Publishes so many messages at once, and waits until everyone has them. @returns ns of CPU for each. */
async function publish(broadcaster: Broadcaster, messages: number, clients: number) {
  const wanted = deliveriesOf(broadcaster) + messages * clients;
  const before = threadCpuNanoseconds();
  for (let n = 0; n < messages; n += 1) broadcaster.publish("ticks", MESSAGE);
  const cost = (threadCpuNanoseconds() - before) / messages;
  while (deliveriesOf(broadcaster) < wanted) await Bun.sleep(1);
  return cost;
}

function deliveriesOf(broadcaster: Broadcaster): number {
  const { total_shards, ...stats } = broadcaster.stats();
  const shards = Array.from({ length: total_shards }, (_, n) => stats[`shard_${n}`]);
  return shards.reduce((sum, shard) => sum + (shard?.deliveries ?? 0), 0);
}

/** Microseconds of CPU of one publish: the median of all rounds. */
async function costOf(workers: number, clients: number) {
  const { broadcaster, tester } = await serve(workers, clients);
  const [alone, inBurst]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    await Bun.sleep(REST_MS);
    alone.push(await publish(broadcaster, 1, clients));
    inBurst.push(await publish(broadcaster, BURST, clients));
  }
  tester.kill("SIGKILL");
  await tester.exited;
  await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
  return { workers, clients, alone: medianMicros(alone), inBurst: medianMicros(inBurst) };
}

function medianMicros(nanoseconds: readonly number[]): string {
  const sorted = nanoseconds.toSorted((a, b) => a - b);
  return ((sorted[Math.floor(sorted.length / 2)] ?? Number.NaN) / 1000).toFixed(1);
}

console.log(`CPU µs of a publish of ${MESSAGE.length} bytes, median of ${ROUNDS} rounds\n`);
console.log(`| workers | clients | workers asleep | in a burst of ${BURST} |\n|--:|--:|--:|--:|`);
for (const workers of WORKERS) {
  for (const clients of CLIENTS) {
    const { alone, inBurst } = await costOf(workers, clients);
    console.log(`| ${workers} | ${clients.toLocaleString("en")} | ${alone} | ${inBurst} |`);
  }
}
process.exit(0);
