import { isIP } from "node:net";
import type { WebSocketHandler } from "bun";
import type { AnyElysia } from "elysia";

import { unsupported } from "./errors";

/** What Elysia's `listen` takes. */
export type ListenOptions = Parameters<AnyElysia["listen"]>[0];

/** The options of `listen` and of the app's `serve`, as one object. */
export interface ServeOptions {
  port?: string | number | undefined;
  hostname?: string | undefined;
  reusePort?: boolean | undefined;
  idleTimeout?: unknown;
  maxRequestBodySize?: unknown;
  websocket?: Partial<WebSocketHandler<unknown>>;
  [other: string]: unknown;
}

/** Where the public port is to be opened. */
export interface Address {
  /** The IP address to listen on; none is every address of this machine. */
  host: string | undefined;
  port: number;
  /** The name by which the server speaks of itself. */
  hostname: string;
}

const DEFAULT_PORT = 3000;
const MAX_PORT = 65_535;
/** Where Bun looks for a port that it is not given, the first before the next. */
export const PORT_VARIABLES = ["BUN_PORT", "PORT", "NODE_PORT"] as const;
/** Elysia's default of `idleTimeout`. */
const DEFAULT_IDLE_SECONDS = 30;
/** Bun's own default of `maxRequestBodySize`. */
const DEFAULT_MAX_BODY_BYTES = 128 * 1024 * 1024;

/**
 * Options that would have to be the door's, what they are when not asked for, and what does
 * instead.
 */
const NOT_AT_THE_DOOR: [name: string, harmless: unknown[], instead?: string][] = [
  ["tls", [undefined, null, false], "Let a proxy in front end TLS (docs/operations.md)."],
  ["unix", [undefined]],
  ["reusePort", [undefined, false]],
  ["ipv6Only", [undefined, false]],
  ["http1", [undefined, true]],
  ["http2", [undefined, false]],
  ["http3", [undefined, false]],
];

/**
 * Merges what `listen` was given into the app's own `serve` options, as Elysia does: of these it
 * does not take `websocket`, which has a place of its own in the app.
 */
export function serveOptions(app: AnyElysia, options: ListenOptions): ServeOptions {
  const { websocket: _, ...own } = (app.config.serve ?? {}) as ServeOptions;
  if (typeof options === "object") return { ...own, ...(options as ServeOptions) };
  return { ...own, port: toPort(options) };
}

/** The limits and switches for WebSockets that were given to Elysia or to `listen`. */
export function websocketOptions(
  app: AnyElysia,
  options: ServeOptions,
): Partial<WebSocketHandler<unknown>> {
  return { ...(app.config.websocket as object | undefined), ...options.websocket };
}

/**
 * Refuses what would silently not work.
 *
 * @throws ShardcastError, code `UNSUPPORTED`, which names the option
 */
export function refuseUnsupported(options: ServeOptions): void {
  for (const [name, harmless, instead] of NOT_AT_THE_DOOR) {
    if (harmless.includes(options[name])) continue;
    throw unsupported(`the listen option "${name}"`, instead);
  }
}

/** The address that the options ask for, with Bun's defaults. */
export function publicAddress(options: ServeOptions): Address {
  // An IPv6 address may stand in brackets, as in a URL.
  const hostname = options.hostname?.replace(/^\[(.*)\]$/, "$1");
  return {
    host: toHost(hostname),
    port: toPort(options.port ?? defaultPort()),
    hostname: hostname ?? "localhost",
  };
}

/** The variable by which Bun finds a port. It passes by those that hold none. */
export function portVariable(env: Record<string, string | undefined>): string | undefined {
  return PORT_VARIABLES.find((name) => isPort(env[name]));
}

/** The port that Bun takes where none is given: of a variable, then of `bun --port`, then 3000. */
export function defaultPort(
  env: Record<string, string | undefined> = process.env,
  flags: readonly string[] = process.execArgv,
): number {
  const variable = portVariable(env);
  const text = (variable && env[variable]) ?? portFlag(flags);
  return isPort(text) ? Number(text) : DEFAULT_PORT;
}

function portFlag(flags: readonly string[]): string | undefined {
  const at = flags.findLastIndex((flag) => flag === "--port" || flag.startsWith("--port="));
  return flags[at] === "--port" ? flags[at + 1] : flags[at]?.slice("--port=".length);
}

function isPort(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= MAX_PORT;
}

/** How long the body of a request may be, of `maxRequestBodySize` as Bun takes it. */
export function maxBodyBytes({ maxRequestBodySize: size }: ServeOptions): number {
  if (typeof size !== "number") return DEFAULT_MAX_BODY_BYTES;
  return Number.isNaN(size) ? 0 : Math.max(0, Math.trunc(size));
}

/**
 * How long a connection is kept for another request, of `idleTimeout` as Bun takes it; 0 is for
 * ever.
 */
export function idleSeconds({ idleTimeout: seconds }: ServeOptions): number {
  return typeof seconds === "number" ? Math.max(0, Math.trunc(seconds)) : DEFAULT_IDLE_SECONDS;
}

/**
 * Names are not looked up: `listen` returns with the port open, and a look-up would take a while.
 */
function toHost(hostname: string | undefined): string | undefined {
  if (hostname === undefined) return undefined;
  if (hostname === "localhost") return "127.0.0.1";
  if (isIP(hostname)) return hostname;
  throw new RangeError(`hostname must be an IP address or "localhost", not "${hostname}"`);
}

function toPort(port: string | number): number {
  const number = typeof port === "string" && port.trim() === "" ? Number.NaN : Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= MAX_PORT) return number;
  throw new RangeError(`port must be a whole number from 0 to ${MAX_PORT}, not ${port}`);
}
