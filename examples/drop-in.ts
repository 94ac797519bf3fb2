/** A chat room. Only the first line of the app mentions shardcast. */

import { Elysia, t } from "elysia";
import { shardcast } from "shardcast";

// Was: new Elysia()
const app = new Elysia({ adapter: shardcast({ numShards: 2, workersPerShard: 1 }) })
  .get("/", () => "Connect to /room/:room?name=…")
  .ws("/room/:room", {
    query: t.Object({ name: t.String({ minLength: 1 }) }),
    body: t.String({ maxLength: 1000 }),
    open(ws) {
      const { room } = ws.data.params;
      ws.subscribe(room);
      app.server?.publish(room, `${ws.data.query.name} has joined`);
    },
    message(ws, text) {
      app.server?.publish(ws.data.params.room, `${ws.data.query.name}: ${text}`);
    },
    close(ws) {
      app.server?.publish(ws.data.params.room, `${ws.data.query.name} has left`);
    },
  })
  .listen(Number(process.env.PORT ?? 3000));

console.log(`listening on ${app.server?.url}`);
