/** Serves the page in `browser/` and the stream that the page shows. */

import { join } from "node:path";
import { Elysia, file } from "elysia";
import { shardcast } from "shardcast";

const HERE = join(import.meta.dir, "browser");

const app = new Elysia({ adapter: shardcast({ numShards: 2, workersPerShard: 1 }) })
  .get("/", () => file(join(HERE, "index.html")))
  .get("/client.js", () => file(join(HERE, "client.js")))
  .ws("/stream", { open: (ws) => void ws.subscribe("time") })
  .listen(Number(process.env.PORT ?? 3000));

setInterval(() => app.server?.publish("time", new Date().toISOString()), 200);
console.log(`listening on ${app.server?.url}`);
