import cluster from "node:cluster";
import type { WebSocketHandler } from "bun";
import type { AnyElysia } from "elysia";
import { unsupported } from "../errors";
import { defaultPort } from "./default-port";

/** What Elysia's `listen` takes. */
export type ListenOptions = Parameters<AnyElysia["listen"]>[0];

/** The options of `listen` and of the app's `serve`, as one object. */
export interface ServeOptions {
  port?: string | number | null | undefined;
  hostname?: string | null | undefined;
  reusePort?: boolean | undefined;
  ipv6Only?: boolean | undefined;
  idleTimeout?: unknown;
  maxRequestBodySize?: unknown;
  websocket?: Partial<WebSocketHandler<unknown>>;
  [other: string]: unknown;
}

/** The address of the public port. */
export interface Address {
  /** The IP address or the name to listen on; none is every address of this machine. */
  host: string | undefined;
  port: number;
  reusePort: boolean;
  ipv6Only: boolean;
  /** The name in the server's own URL: the one that it was given. */
  hostname: string;
}

const MAX_PORT = 65_535;
/** Elysia's default of `idleTimeout`. */
const DEFAULT_IDLE_SECONDS = 30;
/** Bun's own default of `maxRequestBodySize`. */
const DEFAULT_MAX_BODY_BYTES = 128 * 1024 * 1024;

/**
 * Options that the door does not have, their values that ask for nothing, and what to do instead.
 */
const NOT_AT_THE_DOOR: [name: string, harmless: unknown[], instead?: string][] = [
  ["tls", [undefined, null, false], "Let a proxy in front end TLS (docs/operations.md)."],
  ["unix", [undefined, null, ""]],
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
    if (harmless.includes(options[name]) || isEmpty(options[name])) continue;
    throw unsupported(`the listen option "${name}"`, instead);
  }
}

/** An object or a list without members. */
function isEmpty(option: unknown): boolean {
  return typeof option === "object" && option !== null && Object.keys(option).length === 0;
}

/** The address that the options ask for, with Bun's defaults. */
export function publicAddress(options: ServeOptions): Address {
  const hostname = String(options.hostname ?? "");
  const { port, ipv6Only = false } = options;
  return {
    host: toHost(hostname),
    port: port === undefined || port === null || port === "" ? defaultPort() : toPort(port),
    reusePort: mayReusePort(options),
    ipv6Only: Boolean(ipv6Only),
    hostname: hostname || "localhost",
  };
}

/**
 * Whether other processes may listen on the same port. Elysia asks for that by default, so that a
 * second server that was forgotten would take every other client in silence. Here it is the
 * app's own wish that counts, and that of an app which runs as a worker of `node:cluster`.
 */
export function mayReusePort({ reusePort }: ServeOptions): boolean {
  return reusePort ?? cluster.isWorker;
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

/** What the core is to listen on. As with Bun, `localhost` is the IPv4 address. */
function toHost(hostname: string): string | undefined {
  if (hostname === "localhost") return "127.0.0.1";
  // An IPv6 address may stand in brackets, as in a URL.
  return hostname.replace(/^\[(.*)\]$/, "$1") || undefined;
}

function toPort(port: string | number): number {
  const number = typeof port === "string" && port.trim() === "" ? Number.NaN : Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= MAX_PORT) return number;
  throw new RangeError(`port must be a whole number from 0 to ${MAX_PORT}, not ${port}`);
}
