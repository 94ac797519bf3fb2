/**
 * `bun --hot`: after an edit all modules run anew in the same process, this one too, and servers
 * stay. So what a listening server consists of is kept where modules that run anew find it.
 */

import type { AnyElysia } from "elysia";
import { type Former, reloadUpstream } from "../app-backend/upstream";
import type { ShardcastConfig } from "../config/config";
import { processState } from "../process/process-state";
import type { SocketHandlers } from "../sharded/clients/clients";
import type { ShardedBroadcaster } from "../sharded/sharded-broadcaster";
import type { ShardedRun } from "../sharded/sharded-run";
import type { Upgrades } from "../upgrades/upgrades";
import type { EdgeServer } from "./edge-server";
import type { ServeOptions } from "./listen-options";

/** A server that listens. Its parts are of the modules that ran when it was started. */
export interface HotServer {
  server: EdgeServer;
  run: ShardedRun;
  upgrades: Upgrades;
  /** Bun's server behind the door: by this id and path it is found again. */
  upstream: Former;
  /** Options of `listen` that the door was opened with, as text. */
  fixed: string;
}

/** What an app that runs anew listens with. */
interface NewCode {
  app: AnyElysia;
  serve: ServeOptions;
  broadcaster: ShardedBroadcaster;
  handlers: SocketHandlers;
  defaults: ShardcastConfig;
}

/** By their ids. */
const kept = processState("hot-servers", () => new Map<string, HotServer>());

/** Lets the app find the server again when its modules run anew. */
export function keepForReload(serve: ServeOptions, server: Omit<HotServer, "fixed">): void {
  const id = idOf(serve);
  if (id !== undefined) kept.set(id, { ...server, fixed: fixedOptions(serve) });
}

/**
 * Gives the server that listens where the app wants to, if there is one, the app's new code. As
 * with Bun, clients stay, and handlers that a route has put into their `ws.data` do so too.
 */
export function reloadKept({ app, serve, ...code }: NewCode): EdgeServer | undefined {
  const id = idOf(serve);
  const found = id === undefined ? undefined : kept.get(id);
  if (found?.run.state !== "serving") return undefined;
  const { server, run, upgrades, upstream } = found;
  reloadUpstream(app, serve, upstream);
  upgrades.handler = (request) => app.fetch(request);
  upgrades.errorHandler = undefined;
  const unheeded = fixedOptions(serve) === found.fixed ? [] : ["options of listen"];
  code.broadcaster.takeOver(app, run, code, unheeded);
  return server;
}

/** By which a server is found again, as with Bun: an id of its own, or the address. */
function idOf({ id, hostname, port }: ServeOptions): string | undefined {
  if (!process.execArgv.includes("--hot") || id === null) return undefined;
  return typeof id === "string" && id !== "" ? id : JSON.stringify([hostname, port]);
}

/** Those that the door is opened with. */
function fixedOptions({ maxRequestBodySize, idleTimeout, reusePort, ipv6Only }: ServeOptions) {
  return JSON.stringify([maxRequestBodySize, idleTimeout, reusePort, ipv6Only]);
}
