/** Which of its clients' frames a route has no handler for: the core discards them. */

import type { WebSocketHandler } from "bun";
import { websocket as elysiaHandlers } from "elysia/ws";

import { DISCARD_MESSAGES, DISCARD_PINGS, DISCARD_PONGS } from "../../sharded/constants";

type Kind = "message" | "ping" | "pong";

/** The bits of `HotFunctions.accept`. */
const BITS: Record<Kind, number> = {
  message: DISCARD_MESSAGES,
  ping: DISCARD_PINGS,
  pong: DISCARD_PONGS,
};
const KINDS = Object.keys(BITS) as Kind[];

/**
 * Under this key `ws.data` has what its route discards. It is the same for every copy of this
 * module: a reload keeps the sockets of the code before.
 */
export const DISCARDS = Symbol.for("shardcast.discards");

/** The bits of the kinds of frames for which `isHandled` is false. */
export function discardsOf(isHandled: (kind: Kind) => boolean): number {
  return KINDS.reduce((bits, kind) => (isHandled(kind) ? bits : bits + BITS[kind]), 0);
}

/**
 * The bits of the kinds of frames that a server's handlers pass on to the route in `ws.data`, as
 * Elysia's do.
 */
export function leftToRoutes(handlers: Partial<WebSocketHandler<unknown>>): number {
  const routes = elysiaHandlers as Partial<WebSocketHandler<unknown>>;
  return discardsOf((kind) => handlers[kind] !== undefined && handlers[kind] !== routes[kind]);
}

/** What the route in a `ws.data` discards; nothing where it is not of a route of ours. */
export function discardsIn(data: unknown): number {
  return (data as { [DISCARDS]?: number } | null | undefined)?.[DISCARDS] ?? 0;
}
