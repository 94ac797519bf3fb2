/** An app with a `/metrics` route for Prometheus. */

import { Elysia } from "elysia";
import { createBroadcaster, PrometheusCollector, shardcast } from "shardcast";

const collector = new PrometheusCollector();
const broadcaster = createBroadcaster({ numShards: 2, workersPerShard: 1 }, {}, collector);

const app = new Elysia({ adapter: shardcast(broadcaster) })
  .ws("/stream", { open: (ws) => void ws.subscribe("ticks") })
  .get("/metrics", async () => {
    const headers = { "content-type": collector.contentType };
    return new Response(await collector.metrics(), { headers });
  })
  .listen(Number(process.env.PORT ?? 3000));

setInterval(() => broadcaster.publish("ticks", JSON.stringify({ at: Date.now() })), 100);
console.log(`listening on ${app.server?.url}`);
