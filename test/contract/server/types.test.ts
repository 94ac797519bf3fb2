/** That the contract forgets no member of Bun's types: it no longer compiles when they grow. */

import { expect, test } from "bun:test";
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

test.each([
  ["ServerWebSocket", SOCKET, ["socket", "closing", "compression"]],
  ["Server", SERVER, ["server", "lifecycle"]],
  ["WebSocketHandler", OPTIONS, ["socket", "elysia", "pressure", "compression", "options"]],
])("every member of %s is in the contract", async (_type, members, files) => {
  const paths = files.flatMap((name) => [`contract/${name}.test.ts`, `${name}.test.ts`]);
  const texts = paths.map((path) => Bun.file(`${import.meta.dir}/../${path}`));
  const existing = await Promise.all(
    texts.map(async (file) => ((await file.exists()) ? file.text() : "")),
  );
  const text = existing.join("");
  const forgotten = Object.keys(members).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
  expect(forgotten).toEqual([]);
});
