/**
 * What a second worker gains: the time until a burst of 100 messages has been written to 10,000
 * clients that do not read. Their kernel buffers hold it, so the load tester is idle and every core
 * is the server's.
 *
 *     bun run bench:burst
 */

import { join } from "node:path";
import { Elysia } from "elysia";

import { type Broadcaster, shardcast } from "../src/index";
import { roomOf } from "./room";

const CLIENTS = 10_000;
const MESSAGES = 100;
const ROUNDS = 15;
const MESSAGE = JSON.stringify({ t: 0, n: 0, p: "x".repeat(100) });
const LOAD_TESTER = join(import.meta.dir, "../target/release/load-test");
/** Each look takes a worker's core from it for a moment. */
const LOOK_EVERY_MS = 25;
/** Well above what a round takes. */
const HOLD = "600s";

/** A server with so many workers, and its clients. */
async function serve(workers: number) {
  const adapter = shardcast({
    numShards: workers,
    workersPerShard: 1,
    maxClients: roomOf(CLIENTS, workers),
    bufferSize: 100_000,
  });
  const app = new Elysia({ adapter })
    .ws("/", {
      open(ws) {
        ws.subscribe("ticks");
      },
    })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const url = `ws://127.0.0.1:${app.server?.port}/`;
  const flags = ["--clients", String(CLIENTS), "--stall", "100%", "--duration", HOLD, "--json"];
  const clients = Bun.spawn([LOAD_TESTER, "--url", url, ...flags], {
    stdout: "ignore",
    stderr: "ignore",
  });
  while (adapter.broadcaster.subscriberCount("ticks") < CLIENTS) await Bun.sleep(20);
  return { broadcaster: adapter.broadcaster, clients };
}

/** What the workers have done so far. */
function look(broadcaster: Broadcaster) {
  const { total_shards, ...stats } = broadcaster.stats();
  const shards = Array.from({ length: total_shards }, (_, n) => stats[`shard_${n}`]);
  const workers = shards.flatMap((shard) => shard?.per_worker ?? []);
  return {
    deliveries: shards.reduce((sum, shard) => sum + (shard?.deliveries ?? 0), 0),
    busySeconds: workers.map((worker) => worker.busy_seconds),
  };
}

interface Took {
  /** As long as the worker was awake that had most to do. */
  workerMs: number;
  /**
   * Until it was seen that all is written: a look late, but it would show workers that do not work
   * at once.
   */
  seenMs: number;
}

/** How long it takes until a burst was written to everyone. */
async function burst(workers: number): Promise<Took> {
  const { broadcaster, clients } = await serve(workers);
  // Connecting leaves work behind that is not to be measured.
  await Bun.sleep(500);
  const before = look(broadcaster);
  const startedAt = performance.now();
  for (let n = 0; n < MESSAGES; n += 1) broadcaster.publish("ticks", MESSAGE);
  let after = before;
  while (after.deliveries < before.deliveries + CLIENTS * MESSAGES) {
    await Bun.sleep(LOOK_EVERY_MS);
    after = look(broadcaster);
  }
  const seenMs = performance.now() - startedAt;
  clients.kill("SIGKILL");
  await clients.exited;
  await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
  const spent = after.busySeconds.map((seconds, n) => seconds - (before.busySeconds[n] ?? 0));
  return { workerMs: Math.max(...spent) * 1000, seenMs };
}

const times = new Map<number, Took[]>([1, 2].map((workers) => [workers, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [workers, took] of times) took.push(await burst(workers));
}
const medianOf = (ms: number[]) =>
  ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? Number.NaN;
const [one = Number.NaN, two = Number.NaN] = [...times].map(([workers, took]) => {
  const ms = took.map(({ workerMs }) => workerMs);
  const seen = medianOf(took.map(({ seenMs }) => seenMs)).toFixed(0);
  console.log(`${workers} workers: ${ms.map((one) => one.toFixed(0)).join(" ")} ms`);
  console.log(`  median ${medianOf(ms).toFixed(0)}; seen, to ${LOOK_EVERY_MS} ms: ${seen}`);
  return medianOf(ms);
});
console.log(`two are ${(one / two).toFixed(2)} × faster (median of ${ROUNDS}; target: 1.7)`);
process.exit(0);
