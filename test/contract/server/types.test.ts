/** That the contract forgets no member of Bun's types: it no longer compiles when they grow. */

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";

/** All keys of `T`, each once; a missing or a further one does not compile. */
type Keys<T> = Record<keyof T, true>;

const SOCKET: Keys<ServerWebSocket<unknown>> = {
  send: true,
  sendText: true,
  sendBinary: true,
  close: true,
  terminate: true,
  ping: true,
  pong: true,
  publish: true,
  publishText: true,
  publishBinary: true,
  subscribe: true,
  unsubscribe: true,
  isSubscribed: true,
  subscriptions: true,
  cork: true,
  remoteAddress: true,
  readyState: true,
  binaryType: true,
  data: true,
  getBufferedAmount: true,
  pause: true,
  resume: true,
  isPaused: true,
};

const SERVER: Keys<Server<unknown>> = {
  stop: true,
  closeIdleConnections: true,
  reload: true,
  fetch: true,
  upgrade: true,
  publish: true,
  subscriberCount: true,
  requestIP: true,
  timeout: true,
  ref: true,
  unref: true,
  pendingRequests: true,
  pendingWebSockets: true,
  url: true,
  port: true,
  hostname: true,
  protocol: true,
  development: true,
  id: true,
  [Symbol.dispose]: true,
};

const OPTIONS: Keys<WebSocketHandler<unknown>> = {
  data: true,
  message: true,
  open: true,
  drain: true,
  close: true,
  ping: true,
  pong: true,
  error: true,
  maxPayloadLength: true,
  backpressureLimit: true,
  closeOnBackpressureLimit: true,
  idleTimeout: true,
  publishToSelf: true,
  sendPings: true,
  perMessageDeflate: true,
};

/** Where the members are looked for. */
const TESTS = {
  socket: ["contract/sockets/socket", "contract/sockets/closing", "sharded/socket"],
  compression: ["contract/sockets/compression", "sharded/compression"],
  server: ["contract/server/server", "lifecycle"],
  options: ["contract/elysia/elysia", "contract/sockets/pressure", "contract/server/options"],
};

test.each([
  ["ServerWebSocket", SOCKET, [...TESTS.socket, ...TESTS.compression]],
  ["Server", SERVER, TESTS.server],
  ["WebSocketHandler", OPTIONS, [...TESTS.socket, ...TESTS.compression, ...TESTS.options]],
])("every member of %s is in the contract", async (_type, members, files) => {
  const test = join(import.meta.dir, "../..");
  const texts = files.map((name) => Bun.file(join(test, `${name}.test.ts`)).text());
  const text = (await Promise.all(texts)).join("");
  const forgotten = Object.keys(members).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
  expect(forgotten).toEqual([]);
});
