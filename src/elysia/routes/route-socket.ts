import { ElysiaWS } from "elysia/ws";
import type { ServerWebSocket } from "elysia/ws/bun";

import { isInvalid, type Validator, validationError } from "./message-schema";
import { asText } from "./route-answer";

/** What a route needs of its clients' `ws.data`. */
export interface RouteData {
  /** Checks what the handlers send; nothing where the route has no schema for that. */
  validator: ElysiaWS["validator"];
}

/** Methods of Elysia's own: they take objects, too, and check them against the route's schema. */
const OWN = ["send", "ping", "pong", "publish"] as const;
/** Methods that are the socket's. */
const HANDED_ON = [
  "sendText",
  "sendBinary",
  "publishText",
  "publishBinary",
  "close",
  "terminate",
  "subscribe",
  "unsubscribe",
  "isSubscribed",
  "cork",
] as const;
/** What the socket knows. */
const KNOWN = ["remoteAddress", "binaryType", "subscriptions"] as const;

/**
 * What a route's handlers are given for a socket: an `ElysiaWS`, made for each event.
 *
 * Elysia's own constructor binds 14 methods, of which a handler calls one or two. Here a method is
 * bound at its first use, so that `const { send } = ws` works as ever. State is
 * read from the socket, and is not that of when the handler began.
 */
export class RouteSocket {
  readonly raw: ServerWebSocket<RouteData>;
  readonly data: RouteData;
  readonly body: unknown;
  readonly validator: RouteData["validator"];

  /** @param body the message that the handler is called for, as the route's `parse` left it */
  constructor(raw: ServerWebSocket<RouteData>, body?: unknown) {
    this.raw = raw;
    this.data = raw.data;
    this.body = body;
    this.validator = raw.data.validator;
  }
}

Object.setPrototypeOf(RouteSocket.prototype, ElysiaWS.prototype);
for (const name of OWN) {
  inherit(name, (socket) => keep(socket, name, checking(socket, name)));
}
for (const name of HANDED_ON) {
  inherit(name, (socket) => keep(socket, name, socket.raw[name].bind(socket.raw)));
}
for (const name of KNOWN) inherit(name, ({ raw }) => raw[name]);

/** A method that sends what the route's schema allows, and else what is wrong with it. */
function checking(socket: RouteSocket, name: (typeof OWN)[number]) {
  const { raw } = socket;
  const method = raw[name].bind(raw) as (...parts: unknown[]) => number;
  const at = name === "publish" ? 1 : 0;
  return (...parts: unknown[]) => {
    const data = parts[at];
    if (Buffer.isBuffer(data)) return method(...parts);
    const validator = socket.validator as Validator | undefined;
    if (validator && isInvalid(validator, data)) {
      return raw.send(validationError(validator, data).message);
    }
    parts[at] = asText(data);
    return method(...parts);
  };
}

/** Gives every socket a member, in whose place a handler may put something of its own. */
function inherit(name: string, get: (socket: RouteSocket) => unknown): void {
  Object.defineProperty(RouteSocket.prototype, name, {
    get(this: RouteSocket) {
      return get(this);
    },
    set(this: RouteSocket, value: unknown) {
      keep(this, name, value);
    },
  });
}

function keep<T>(socket: RouteSocket, name: string, value: T): T {
  Object.defineProperty(socket, name, { value, writable: true, configurable: true });
  return value;
}
