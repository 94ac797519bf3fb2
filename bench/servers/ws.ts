/** The same loop with `ws` on Node. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

import { announce, givenWorkload, publishTo } from "./workload";

const http = createServer((_request, response) => response.end("ok"));
const server = new WebSocketServer({ server: http });
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  announce((http.address() as AddressInfo).port);
});
void publishTo(givenWorkload(), (_channel, message) => {
  for (const socket of server.clients) socket.send(message);
});
