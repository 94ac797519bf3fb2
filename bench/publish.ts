/**
 * What a publish costs on the JavaScript thread: it must depend on the number of workers alone, and not
 * on that of the clients. Run it with `bun run bench:publish`.
 */

import { join } from "node:path";
import { Elysia } from "elysia";
import { bench, run } from "mitata";

import { shardcast } from "../src";
import { loadNative } from "../src/native";

const MESSAGE = JSON.stringify({ t: Date.now(), p: "x".repeat(100) });
const LOAD_TESTER = join(import.meta.dir, "../target/release/load-test");

/** A burst is published at once; then everyone gets all of it before the next. */
const BURST = 20;
const BURSTS = 40;
/** The load tester's report is nobody's. */
const QUIET = { stdout: "ignore", stderr: "ignore" } as const;

/** A server with so many workers, and clients in another process that subscribe to `ticks`. */
async function serve(workers: number, clients: number) {
  const adapter = shardcast({
    numShards: workers,
    workersPerShard: 1,
    maxClients: clients + 1,
    bufferSize: 100_000,
  });
  const app = new Elysia({ adapter })
    .ws("/", { open: (ws) => void ws.subscribe("ticks") })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const url = `ws://127.0.0.1:${app.server?.port}/`;
  const command = [LOAD_TESTER, "--url", url, "--clients", String(clients), "--duration", "1h"];
  const tester = clients > 0 ? Bun.spawn([...command, "--json"], QUIET) : undefined;
  while (adapter.broadcaster.subscriberCount("ticks") < clients) await Bun.sleep(20);
  return { broadcaster: adapter.broadcaster, tester };
}

/** Nanoseconds of one publish: the median of the bursts. */
async function costOf(workers: number, clients: number): Promise<number> {
  const { broadcaster, tester } = await serve(workers, clients);
  const delivered = () => {
    const { total_shards, ...stats } = broadcaster.stats();
    const shards = Array.from({ length: total_shards }, (_, n) => stats[`shard_${n}`]);
    return shards.reduce((sum, shard) => sum + (shard?.deliveries ?? 0), 0);
  };
  const costs: number[] = [];
  for (let burst = 0; burst < BURSTS; burst += 1) {
    const wanted = delivered() + BURST * clients;
    const startedAt = Bun.nanoseconds();
    for (let n = 0; n < BURST; n += 1) broadcaster.publish("ticks", MESSAGE);
    costs.push((Bun.nanoseconds() - startedAt) / BURST);
    while (delivered() < wanted) await Bun.sleep(1);
  }
  tester?.kill("SIGKILL");
  await tester?.exited;
  await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
  return costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? Number.NaN;
}

console.log(`a publish of ${MESSAGE.length} bytes, median of ${BURSTS} bursts of ${BURST}:`);
for (const workers of [1, 8]) {
  for (const clients of [10, 10_000]) {
    const micros = (await costOf(workers, clients)) / 1000;
    console.log(`  ${workers} workers, ${clients} clients: ${micros.toFixed(2)} µs`);
  }
}

const { fnv1a } = loadNative();
const { broadcaster: nobody } = await serve(1, 0);
bench("fnv1a of a UUID", () => fnv1a("3f333df6-90a4-4fda-8dd3-9485d27cee36"));
bench("a publish that nobody hears: encoding and the way into the addon", () =>
  nobody.publish("ticks", MESSAGE),
);
await run();
process.exit(0);
