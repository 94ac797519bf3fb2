/**
 * What a publish costs on the JavaScript thread, by the number of workers that have subscribers: it
 * must not depend on the number of clients. Run it with `bun run bench`.
 */

import { Elysia } from "elysia";
import { bench, run } from "mitata";

import { shardcast } from "../src";
import { loadNative } from "../src/native";

const MESSAGE = JSON.stringify({ t: Date.now(), p: "x".repeat(100) });

/** A server with so many workers, on each of which some client subscribes to `ticks`. */
async function serve(workers: number, clients: number) {
  const adapter = shardcast({ numShards: workers, workersPerShard: 1, queueMessages: 10_000_000 });
  const app = new Elysia({ adapter })
    .ws("/", {
      open(ws) {
        ws.subscribe("ticks");
      },
    })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const opened = Array.from({ length: clients }, () => {
    const socket = new WebSocket(`ws://127.0.0.1:${app.server?.port}/`);
    return new Promise((resolve) => socket.addEventListener("open", resolve));
  });
  await Promise.all(opened);
  return adapter.broadcaster;
}

const { fnv1a } = loadNative();
bench("fnv1a of a UUID", () => fnv1a("3f333df6-90a4-4fda-8dd3-9485d27cee36"));

const nobody = await serve(1, 0);
bench("publish, no subscriber", () => nobody.publish("ticks", MESSAGE));

for (const [workers, clients] of [
  [1, 20],
  [1, 500],
  [8, 500],
] as const) {
  const broadcaster = await serve(workers, clients);
  bench(`publish, ${workers} workers, ${clients} clients`, () =>
    broadcaster.publish("ticks", MESSAGE),
  );
}

await run();
process.exit(0);
