/** What many write first: a loop over all sockets, in Bun. Every client receives everything. */

import type { ServerWebSocket } from "bun";

import { announce, givenWorkload, publishTo } from "./workload";

const sockets = new Set<ServerWebSocket<undefined>>();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, server) {
    if (server.upgrade(request)) return;
    return new Response("ok");
  },
  websocket: {
    open(ws) {
      sockets.add(ws);
    },
    message() {},
    close(ws) {
      sockets.delete(ws);
    },
  },
});
announce(server.port);
void publishTo(givenWorkload(), (_channel, message) => {
  for (const socket of sockets) socket.send(message);
});
