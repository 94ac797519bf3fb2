import { ElysiaWS } from "elysia/ws";
import type { ServerWebSocket } from "elysia/ws/bun";

import type { RouteData } from "./route-data";

type BinaryType = NonNullable<ServerWebSocket["binaryType"]>;

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

/**
 * What a route's handlers are given for a socket: an `ElysiaWS`, made for each event.
 *
 * Elysia's own constructor binds 14 methods, of which a handler calls one or two. Here they are
 * bound when they are asked for, so that `const { send } = ws` works as ever. What the socket knows
 * of itself is asked of it, and is not that of when the handler began.
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

  get remoteAddress(): string {
    return this.raw.remoteAddress;
  }

  get subscriptions(): string[] {
    return this.raw.subscriptions;
  }

  get binaryType(): BinaryType | undefined {
    return this.raw.binaryType;
  }

  set binaryType(type: BinaryType) {
    this.raw.binaryType = type;
  }
}

Object.setPrototypeOf(RouteSocket.prototype, ElysiaWS.prototype);
for (const name of OWN) bindWhenAsked(name, (socket) => ElysiaWS.prototype[name].bind(socket));
for (const name of HANDED_ON) bindWhenAsked(name, ({ raw }) => raw[name].bind(raw));

/** A handler may still put a function of its own in the place of a method. */
function bindWhenAsked(name: string, bind: (socket: RouteSocket) => unknown): void {
  Object.defineProperty(RouteSocket.prototype, name, {
    get(this: RouteSocket) {
      return bind(this);
    },
    set(this: RouteSocket, value: unknown) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true });
    },
  });
}
