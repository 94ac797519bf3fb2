/**
 * Socket.IO on Node. Its clients send `40` to join, and each message comes as `42["ticks",{…}]`.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

import { announce, givenWorkload, publishTo } from "./workload";

const http = createServer((_request, response) => response.end("ok"));
const io = new Server(http, { transports: ["websocket"] });
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  announce((http.address() as AddressInfo).port);
});
void publishTo(givenWorkload(), (channel, message) => {
  io.emit(channel, JSON.parse(message));
});
