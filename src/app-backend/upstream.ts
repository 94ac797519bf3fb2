import type { Server } from "bun";
import type { AnyElysia } from "elysia";
import { listenBuiltIn } from "../elysia/built-in-adapter";
import type { ServeOptions } from "../elysia/listen-options";
import { Peers } from "./http-peers";
import { newSecret, privateSocket } from "./private-socket";

/** The Bun server that answers plain HTTP, behind the door. */
export interface Upstream {
  server: Server<unknown>;
  /** Its unix socket: a path, or an abstract name with a NUL before it. */
  path: string;
  /** The door sends it with each request. No other process knows it. */
  secret: string;
  /** Gives the handlers the public server. */
  peers: Peers;
  /** Ends it at once, and leaves nothing on the disk. */
  close(): void;
}

/** That of the app's former code, which `bun --hot` has Bun reload by its id. */
export type Former = Pick<Upstream, "path" | "peers"> & { id: string };

/** Options that are not for a server on a unix socket. */
const NOWHERE = { port: undefined, hostname: undefined, reusePort: false };

/**
 * Starts the app on a private unix socket, by Elysia's own adapter, so that all of Elysia works.
 */
export function startUpstream(app: AnyElysia, options: ServeOptions): Upstream {
  const { path, remove } = privateSocket();
  const secret = newSecret();
  const peers = new Peers(secret);
  try {
    const serve = { ...options, ...NOWHERE, unix: path };
    const server = listenBuiltIn(app, serve, (served) => peers.noting(served));
    const close = () => {
      void server.stop(true);
      remove();
    };
    return { server, path, secret, peers, close };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Gives Bun's server of the app's former code the app's new handlers. */
export function reloadUpstream(app: AnyElysia, options: ServeOptions, former: Former): void {
  const { id, path, peers } = former;
  listenBuiltIn(app, { ...options, ...NOWHERE, unix: path, id }, (served) => peers.noting(served));
}

/** The server whose `timeout` sets it. */
let timeoutServer: Server<unknown> | undefined;

/**
 * Limits how long a request may be silent, as `Server.timeout` does. Bun does nothing there for a
 * server on a unix socket, though the limit is the request's own, whichever server it came to: one
 * that has been on a port, and is closed, sets it.
 */
export function setIdleTimeout(request: Request, seconds: number): void {
  timeoutServer ??= closedServer();
  timeoutServer.timeout(request, seconds);
}

function closedServer(): Server<unknown> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  void server.stop(true);
  return server;
}
