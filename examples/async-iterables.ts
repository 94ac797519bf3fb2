/**
 * A broadcaster that publishes the values of the app's async iterables, each on a channel of its
 * own. While a worker is saturated, it does not ask for the next value, so that nothing is lost.
 */

import { Elysia } from "elysia";
import { createBroadcaster, shardcast } from "shardcast";

/** The temperatures of a sensor, ten times a second. */
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
