/**
 * What a publish costs the JavaScript thread: it must depend on the number of workers alone, and
 * not on that of the clients. Run it with `bun run bench:publish`.
 *
 * It is measured in CPU time of that thread: where the workers share the cores with it, they take
 * its turns, and a clock on the wall would count those too. A publish that finds the workers asleep
 * wakes one of them; what that costs at least shows beside it.
 */

import { join } from "node:path";
import { Elysia } from "elysia";

import { type Broadcaster, shardcast } from "../src/index";
import { loadParts } from "./parts";
import { roomOf } from "./room";
import { threadCpuNanoseconds } from "./thread-clock";

const MESSAGE = JSON.stringify({ t: Date.now(), p: "x".repeat(100) });
const LOAD_TESTER = join(import.meta.dir, "../target/release/load-test");

/** So many are published at once after the first; then everyone gets all of it before the next. */
const BURST = 20;
const ROUNDS = 100;
/** Long enough for every worker to fall asleep. */
const REST_MS = 5;
const WORKERS = [1, 2, 4, 8, 16];
const CLIENTS = [10, 10_000];
/** No part of the load tester's report is used. */
const QUIET = { stdout: "ignore", stderr: "ignore" } as const;

/** A server with so many workers, and clients in another process that subscribe to `ticks`. */
async function serve(workers: number, clients: number) {
  const adapter = shardcast({
    numShards: workers,
    workersPerShard: 1,
    maxClients: roomOf(clients, workers),
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

/** Nanoseconds of CPU that this thread spends on `work`. */
function costOf(work: () => void): number {
  const before = threadCpuNanoseconds();
  work();
  return threadCpuNanoseconds() - before;
}

function deliveriesOf(broadcaster: Broadcaster): number {
  const { total_shards, ...stats } = broadcaster.stats();
  const shards = Array.from({ length: total_shards }, (_, n) => stats[`shard_${n}`]);
  return shards.reduce((sum, shard) => sum + (shard?.deliveries ?? 0), 0);
}

/**
 * Nanoseconds of one publish that finds the workers asleep, and of each that follows it at once.
 */
async function measure(workers: number, clients: number) {
  const { broadcaster, tester } = await serve(workers, clients);
  const publish = () => broadcaster.publish("ticks", MESSAGE);
  const [first, further]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const wanted = deliveriesOf(broadcaster) + (1 + BURST) * clients;
    await Bun.sleep(REST_MS);
    first.push(costOf(publish));
    const burst = costOf(() => {
      for (let n = 0; n < BURST; n += 1) publish();
    });
    further.push(burst / BURST);
    while (deliveriesOf(broadcaster) < wanted) await Bun.sleep(1);
  }
  tester.kill("SIGKILL");
  await tester.exited;
  await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
  return { first: medianOf(first), further: medianOf(further) };
}

/** Nanoseconds of waking one thread, with nothing around it. */
async function measureWake(): Promise<number> {
  const sleeper = new (loadParts().Sleeper)();
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await Bun.sleep(REST_MS);
    costs.push(costOf(() => sleeper.wake()));
  }
  return medianOf(costs);
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function micros(nanoseconds: number): string {
  return (nanoseconds / 1000).toFixed(1);
}

console.log(`CPU µs of a publish of ${MESSAGE.length} bytes, median of ${ROUNDS} rounds`);
console.log(`(waking a thread alone: ${micros(await measureWake())})\n`);
console.log("| workers | clients | workers asleep | each further one |\n|--:|--:|--:|--:|");
for (const workers of WORKERS) {
  for (const clients of CLIENTS) {
    const { first, further } = await measure(workers, clients);
    const cells = [workers, clients.toLocaleString("en"), micros(first), micros(further)];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
process.exit(0);
