import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "bun";
import type { AnyElysia } from "elysia";

import { ShardcastError } from "./errors";
import type { ServeOptions } from "./listen-options";
import { listenStock } from "./stock";

/**
 * Longest path that a unix socket's address holds everywhere: on macOS 104 bytes, with the last a
 * 0.
 */
const MAX_PATH_BYTES = 103;

/** The Bun server that answers plain HTTP, behind the door. */
export interface Upstream {
  server: Server<unknown>;
  /** Its unix socket, in a directory that no other user may enter. */
  path: string;
  /** Ends it at once, and leaves nothing on the disk. */
  close(): void;
}

/** That of the app's former code, which `bun --hot` has Bun reload by its id. */
type Former = Pick<Upstream, "path"> & { id: string };

/** Options that are not for a server on a unix socket. */
const NOWHERE = { port: undefined, hostname: undefined, reusePort: false };

/**
 * Starts the app on a private unix socket, by Elysia's own adapter, so that all of Elysia works.
 */
export function startUpstream(app: AnyElysia, options: ServeOptions): Upstream {
  // mkdtemp makes the directory with mode 0700.
  const directory = mkdtempSync(join(tmpdir(), "shardcast-"));
  const remove = () => {
    process.off("exit", remove);
    rmSync(directory, { recursive: true, force: true });
  };
  // For a process that exits without having stopped its server.
  process.once("exit", remove);
  try {
    const path = socketPath(directory);
    const server = listenStock(app, { ...options, ...NOWHERE, unix: path });
    const close = () => {
      void server.stop(true);
      remove();
    };
    return { server, path, close };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Gives Bun's server of the app's former code the app's new handlers. */
export function reloadUpstream(app: AnyElysia, options: ServeOptions, { id, path }: Former): void {
  listenStock(app, { ...options, ...NOWHERE, unix: path, id });
}

/** What `limitSilence` goes through. */
let timekeeper: Server<unknown> | undefined;

/**
 * Limits how long a request may be silent, as `Server.timeout` does. Bun does nothing there for a
 * server on a unix socket, though the limit is the request's own, whichever server it came to: one
 * that has been on a port, and is closed, sets it.
 */
export function limitSilence(request: Request, seconds: number): void {
  timekeeper ??= closedServer();
  timekeeper.timeout(request, seconds);
}

function closedServer(): Server<unknown> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  void server.stop(true);
  return server;
}

function socketPath(directory: string): string {
  const path = join(directory, "http.sock");
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return path;
  throw new ShardcastError(
    "LISTEN_FAILED",
    `TMPDIR is too long: ${path} is to be a unix socket, with at most ${MAX_PATH_BYTES} bytes`,
  );
}
