/** Bun without Elysia: `server.publish`. */

import { announce, channelsOf, clientNumber, givenWorkload, publishTo } from "./workload";

const workload = givenWorkload();
const server = Bun.serve<{ client: number }>({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    const data = { client: clientNumber(request.url) };
    if (server.upgrade(request, { data })) return;
    return new Response("ok");
  },
  websocket: {
    perMessageDeflate: workload.compress,
    open(ws) {
      for (const channel of channelsOf(workload, ws.data.client)) ws.subscribe(channel);
    },
    message() {},
  },
});
announce(server.port);
void publishTo(workload, (channel, message) => server.publish(channel, message, workload.compress));
