/** What is attacked: an app with a stream, a route that handles messages, and uploads. */

import { Elysia } from "elysia";

import { shardcast } from "../../src/index";

const MESSAGES_PER_SECOND = 100;

const adapter = shardcast({ numShards: 1, workersPerShard: 2, perMessageDeflate: true });
const app = new Elysia({ adapter })
  .ws("/stream", { open: (ws) => void ws.subscribe("ticks") })
  .ws("/handled", { message: () => {} })
  .post("/upload", ({ body }) => String(body).length)
  .get("/healthz", () => "ok")
  .listen({ port: 0, hostname: "127.0.0.1" });

let number = 0;
setInterval(() => {
  adapter.broadcaster.publish("ticks", JSON.stringify({ number, at: now() }));
  number += 1;
}, 1000 / MESSAGES_PER_SECOND);

console.log(`listening ${app.server?.port}`);

/** Milliseconds of a clock that all processes share. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
