import type { Server } from "bun";
import type { AnyElysia } from "elysia";
import type { ElysiaAdapter } from "elysia/adapter";
import { BunAdapter } from "elysia/adapter/bun";
import { websocket as elysiaHandlers } from "elysia/ws";
import type { AppBackend } from "../app-backend/app-backend";
import { TrustedProxies } from "../app-backend/trusted-proxies";
import { startUpstream } from "../app-backend/upstream";
import type { Broadcaster } from "../broadcaster";
import { BunBroadcaster } from "../bun/bun-broadcaster";
import type { ShardcastConfig } from "../config/config";
import { noFilesToStart } from "../config/fitness";
import { createBroadcaster, type OwnBroadcaster } from "../create-broadcaster";
import { isOutOfFiles, listenFailed, ShardcastError } from "../errors";
import type { SocketHandlers } from "../sharded/clients/clients";
import { type DoorAddress, raiseFileLimit } from "../sharded/native";
import { ShardedBroadcaster } from "../sharded/sharded-broadcaster";
import type { ShardedRun } from "../sharded/sharded-run";
import { UpgradeRequest } from "../upgrades/upgrade-request";
import { Upgrades } from "../upgrades/upgrades";
import { listenBuiltIn } from "./built-in-adapter";
import { EdgeServer } from "./edge-server";
import { raiseHeadLimit, shortestAuthority } from "./head-limits";
import { keepForReload, reloadKept } from "./hot-reload";
import {
  type Address,
  idleSeconds,
  type ListenOptions,
  maxBodyBytes,
  mayReusePort,
  publicAddress,
  refuseUnsupported,
  type ServeOptions,
  serveOptions,
  websocketOptions,
} from "./listen-options";
import { addWebSocketRoute } from "./routes/websocket-route";
import { websocketLimits } from "./websocket-limits";

/** A config, or the result of `createBroadcaster`. */
export type ShardcastOptions = ShardcastConfig | OwnBroadcaster;

/** An Elysia adapter whose WebSockets run on native shards. */
export interface ShardcastAdapter extends ElysiaAdapter {
  /** Publishes, counts and shuts down. It serves from the moment when the app listens. */
  readonly broadcaster: Broadcaster;
}

/**
 * Makes the adapter for one Elysia app.
 *
 * @param options a config, or the result of `createBroadcaster`
 * @throws RangeError or TypeError for an invalid value, with the option and the value
 *
 * @example
 * ```ts
 * new Elysia({ adapter: shardcast({ numShards: 4 }) })
 *   .ws("/stream", { open(ws) { ws.subscribe("ticks") } })
 *   .listen(3000);
 * ```
 */
export function shardcast(options: ShardcastOptions = {}): ShardcastAdapter {
  const broadcaster = isBroadcaster(options) ? options : createBroadcaster(options);
  let listening: AnyElysia | undefined;

  return {
    ...BunAdapter,
    name: "shardcast",
    broadcaster,
    // Without shards the app is to run on Bun and Elysia alone.
    ...(broadcaster instanceof ShardedBroadcaster && {
      ws: (app, path, options) => addWebSocketRoute(app, path, options, broadcaster),
      handler: answering(() => isWrapped(listening)),
    }),
    listen: (app) => (listenOptions, callback) => {
      listening = app;
      const serve = serveOptions(app, listenOptions as ListenOptions);
      app.server =
        broadcaster instanceof ShardedBroadcaster
          ? listenWithFiles(app, serve, broadcaster)
          : listenBun(app, serve, broadcaster);
      for (const hook of app.event.start ?? []) hook.fn(app);
      callback?.(app.server);
    },
  };
}

/**
 * Makes responses as with Bun, but none for an upgrade that was decided and has no answer: only
 * what is wrapped around the app would see it.
 */
function answering(isWrapped: () => boolean): ElysiaAdapter["handler"] {
  const { handler } = BunAdapter;
  return {
    ...handler,
    mapResponse(answer, set, request) {
      const isDecided = request instanceof UpgradeRequest && request.pending === undefined;
      if (answer === undefined && isDecided && !isWrapped()) return undefined;
      return handler.mapResponse(answer, set, request);
    },
  };
}

function isWrapped(app: AnyElysia | undefined): boolean {
  // Private to Elysia, and read by its own adapters.
  const { extender } = (app ?? {}) as { extender?: { higherOrderFunctions: unknown[] } };
  return extender !== undefined && extender.higherOrderFunctions.length > 0;
}

function isBroadcaster(options: ShardcastOptions): options is OwnBroadcaster {
  return options instanceof ShardedBroadcaster || options instanceof BunBroadcaster;
}

/** Starts. Without enough descriptors the error explains what to do. */
function listenWithFiles(
  app: AnyElysia,
  serve: ServeOptions,
  broadcaster: ShardedBroadcaster,
): EdgeServer {
  try {
    return listenSharded(app, serve, broadcaster);
  } catch (cause) {
    if (!isOutOfFiles(cause)) throw cause;
    const problem = noFilesToStart(broadcaster.config, raiseFileLimit());
    throw new ShardcastError("EMFILE", problem, { cause });
  }
}

/** Opens the public port with the core, and puts Elysia's own server behind it. */
function listenSharded(
  app: AnyElysia,
  serve: ServeOptions,
  broadcaster: ShardedBroadcaster,
): EdgeServer {
  refuseUnsupported(serve);
  const address = publicAddress(serve);
  const before = app.server;
  const handlers = socketHandlers(app, serve);
  const defaults = websocketLimits(websocketOptions(app, serve));
  const kept = reloadKept({ app, serve, broadcaster, handlers, defaults });
  if (kept) return kept;
  const run = broadcaster.start(app, handlers, defaults);
  try {
    const { clients, config } = run;
    const proxies = new TrustedProxies(config.trustedProxies);
    const upgrades = new Upgrades(run, clients, config, proxies, (request) => app.fetch(request));
    raiseHeadLimit(config.maxHeadBytes);
    const { server: inner, path, secret, peers, close } = startUpstream(app, serve);
    const minAuthorityBytes = shortestAuthority(app);
    const limits = { maxBodyBytes: maxBodyBytes(serve), idleTimeoutSeconds: idleSeconds(serve) };
    const hasDevServer = inner.development;
    const upstream = { upstream: path, upstreamSecret: secret, hasDevServer };
    const door = { ...upstream, minAuthorityBytes, ...limits };
    const opened = openDoor(run, address, door, {
      decide: (event) => upgrades.decide(event),
      abort: (id) => upgrades.abort(id),
      pending: () => inner.pendingRequests + upgrades.pending,
      close: () => {
        close();
        upgrades.abortAll();
      },
    });
    const at = { ...address, ...opened };
    const server = new EdgeServer({ run, upgrades, inner, peers, proxies, address: at });
    keepForReload(serve, { server, run, upgrades, upstream: { id: inner.id, path, peers } });
    return server;
  } catch (error) {
    run.end();
    app.server = before;
    throw error;
  }
}

function openDoor(
  run: ShardedRun,
  { host, port, hostname, reusePort, ipv6Only }: Address,
  door: Omit<Parameters<ShardedRun["listen"]>[0], keyof Address>,
  backend: AppBackend,
): DoorAddress {
  try {
    return run.listen({ host, port, reusePort, ipv6Only, ...door }, backend);
  } catch (cause) {
    throw listenFailed(host ?? hostname, port, cause);
  }
}

/** The stock adapter, with the same limits. `onStart` is left to the caller in both modes. */
function listenBun(
  app: AnyElysia,
  serve: ServeOptions,
  broadcaster: BunBroadcaster,
): Server<unknown> {
  const websocket = broadcaster.start(
    app,
    socketHandlers(app, serve),
    websocketLimits(websocketOptions(app, serve)),
  );
  const options = { ...serve, reusePort: mayReusePort(serve), websocket };
  const server = openBuiltIn(app, options);
  broadcaster.serve(server);
  return server;
}

function openBuiltIn(app: AnyElysia, options: ServeOptions): Server<unknown> {
  try {
    return listenBuiltIn(app, options);
  } catch (cause) {
    const { hostname, port } = publicAddress(options);
    throw listenFailed(hostname, port, cause);
  }
}

/**
 * The handlers that Bun would have got: those of `listen`, then Elysia's, which find the route's.
 */
function socketHandlers(app: AnyElysia, serve: ServeOptions): SocketHandlers {
  // Elysia keeps a copy of Bun's types, of an older Bun.
  const dispatch = elysiaHandlers as SocketHandlers;
  return { ...(app.config.websocket as object), ...dispatch, ...serve.websocket };
}
