/**
 * A broadcaster that is fed by the app's own async iterables. Each is a channel. While a worker is
 * saturated, the next value is not asked for: what can wait does, and nothing is lost.
 */

import { Elysia } from "elysia";
import { createBroadcaster, shardcast } from "shardcast";

/** Temperatures of a sensor that is read ten times a second. */
async function* temperatures() {
  for (let celsius = 20; ; celsius += (Math.random() - 0.5) / 5) {
    yield { celsius: Number(celsius.toFixed(2)), at: Date.now() };
    await Bun.sleep(100);
  }
}

async function* clock() {
  for (;;) {
    yield new Date().toISOString();
    await Bun.sleep(1000);
  }
}

const broadcaster = createBroadcaster(
  { numShards: 2, workersPerShard: 1 },
  { temperature: temperatures(), clock: clock() },
);

const app = new Elysia({ adapter: shardcast(broadcaster) })
  .ws("/:channel", { open: (ws) => void ws.subscribe(ws.data.params.channel) })
  .get("/stats", () => broadcaster.stats())
  .listen(Number(process.env.PORT ?? 3000));

console.log(`listening on ${app.server?.url}`);
