/**
 * `beforeHandle` decides who can connect, as for any route: a rejection is an HTTP answer, and no
 * socket opens. `open` decides what the user can hear.
 */

import { Elysia, t } from "elysia";
import { shardcast } from "shardcast";

/** Tokens and their owners. A real app would verify a signed token. */
const USERS = new Map([
  ["token-of-ada", { name: "ada", channels: ["public", "staff"] }],
  ["token-of-bob", { name: "bob", channels: ["public"] }],
]);

const app = new Elysia({ adapter: shardcast({ numShards: 2, workersPerShard: 1 }) })
  // A browser cannot set headers of a WebSocket, but it sends cookies. Others set Authorization.
  .derive(({ headers, cookie }) => {
    const bearer = headers.authorization?.replace(/^Bearer /, "");
    return { user: USERS.get(bearer ?? String(cookie.token?.value ?? "")) };
  })
  .ws("/stream", {
    beforeHandle: ({ user, status }) => (user ? undefined : status(401, "who are you?")),
    open(ws) {
      const { user } = ws.data;
      for (const channel of user?.channels ?? []) ws.subscribe(channel);
      ws.send(`welcome, ${user?.name}`);
    },
  })
  .post(
    "/announce/:channel",
    ({ params, body, user, server, status }) => {
      if (!user?.channels.includes(params.channel)) return status(403, "not yours");
      return { bytes: server?.publish(params.channel, body) };
    },
    { parse: "text", body: t.String() },
  )
  .listen(Number(process.env.PORT ?? 3000));

console.log(`listening on ${app.server?.url}`);
