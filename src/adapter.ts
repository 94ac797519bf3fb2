import type { AnyElysia } from "elysia";
import type { ElysiaAdapter } from "elysia/adapter";
import { BunAdapter } from "elysia/adapter/bun";
import { websocket as elysiaHandlers } from "elysia/ws";

import type { Broadcaster } from "./broadcaster";
import { Clients, type SkipListener, type SocketHandlers } from "./clients";
import { type ResolvedConfig, resolveConfig, type ShardcastConfig } from "./config";
import { EdgeServer } from "./edge-server";
import { listenFailed, ShardcastError } from "./errors";
import {
  type Address,
  type ListenOptions,
  publicAddress,
  refuseUnsupported,
  type ServeOptions,
  serveOptions,
  websocketOptions,
} from "./listen-options";
import { OriginalBroadcaster } from "./original";
import { type House, ShardedBroadcaster } from "./sharded";
import { listenStock } from "./stock";
import { Upgrades } from "./upgrades";
import { startUpstream } from "./upstream";

/** The config, and what the app wants to be told. */
export interface ShardcastOptions extends ShardcastConfig {
  /** Called when a slow client has missed messages, with `dropSlowClients: false`. */
  onSkip?: SkipListener;
}

/** An Elysia adapter whose WebSockets live on native shards. */
export interface ShardcastAdapter extends ElysiaAdapter {
  /**
   * Publishes, counts and shuts down for the app that listens.
   *
   * @throws ShardcastError, code `NOT_LISTENING`, before `listen`
   */
  readonly broadcaster: Broadcaster;
}

/** A started server, of either kind. */
interface Started {
  server: NonNullable<AnyElysia["server"]>;
  broadcaster: Broadcaster;
}

/**
 * Makes the adapter for one Elysia app.
 *
 * @throws RangeError or TypeError for a value that cannot be, naming the option and the value
 *
 * @example
 * ```ts
 * new Elysia({ adapter: shardcast({ numShards: 4 }) })
 *   .ws("/stream", { open(ws) { ws.subscribe("ticks") } })
 *   .listen(3000);
 * ```
 */
export function shardcast(options: ShardcastOptions = {}): ShardcastAdapter {
  const { onSkip, ...config } = options;
  const { useSharding } = resolveConfig(config);
  let served: AnyElysia | undefined;
  let broadcaster: Broadcaster | undefined;

  return {
    ...BunAdapter,
    name: "shardcast",
    listen: (app) => (listenOptions, callback) => {
      if (served?.server) {
        throw new ShardcastError("ALREADY_LISTENING", "one shardcast() adapter serves one app");
      }
      const serve = serveOptions(app, listenOptions as ListenOptions);
      const resolved = resolveConfig({ ...bunLimits(app, serve), ...defined({ ...config }) });
      const started = useSharding
        ? listenSharded(app, serve, resolved, onSkip)
        : listenOriginal(app, serve, resolved);
      served = app;
      broadcaster = started.broadcaster;
      app.server = started.server;
      for (const hook of app.event.start ?? []) hook.fn(app);
      callback?.(started.server);
    },
    get broadcaster() {
      if (broadcaster) return broadcaster;
      throw new ShardcastError("NOT_LISTENING", "the broadcaster exists once the app listens");
    },
  };
}

/** Opens the public port with the core, and puts Elysia's own server behind it. */
function listenSharded(
  app: AnyElysia,
  serve: ServeOptions,
  config: ResolvedConfig,
  onSkip: SkipListener | undefined,
): Started {
  refuseUnsupported(app, serve);
  const address = publicAddress(serve);
  const clients = new Clients(socketHandlers(app, serve), onSkip);
  const broadcaster = new ShardedBroadcaster(config, clients);
  try {
    const upgrades = new Upgrades(broadcaster, clients, config, (request) => app.fetch(request));
    const { server: inner, path, close } = startUpstream(app, serve);
    const port = openDoor(broadcaster, address, path, {
      decide: (event) => void upgrades.decide(event),
      pending: () => inner.pendingRequests + upgrades.pending,
      close,
    });
    const parts = { broadcaster, clients, upgrades, inner, address: { ...address, port } };
    return { server: new EdgeServer(parts), broadcaster };
  } catch (error) {
    broadcaster.end();
    app.server = null;
    throw error;
  }
}

function openDoor(
  broadcaster: ShardedBroadcaster,
  { host, port }: Address,
  upstream: string,
  house: House,
): number {
  try {
    return broadcaster.listen({ host, port, upstream }, house);
  } catch (cause) {
    throw listenFailed(host, port, cause);
  }
}

/** The stock adapter, with the same limits. `onStart` is left to the caller in both modes. */
function listenOriginal(app: AnyElysia, serve: ServeOptions, config: ResolvedConfig): Started {
  const broadcaster = new OriginalBroadcaster(config);
  const { maxPayloadLength, backpressureLimit, idleTimeout, sendPings } = config;
  const websocket = {
    ...broadcaster.watch(socketHandlers(app, serve)),
    maxPayloadLength,
    backpressureLimit,
    idleTimeout,
    sendPings,
  };
  const server = listenStock(app, {
    // Elysia's default is true: a second server that was forgotten would silently share the port.
    reusePort: false,
    ...serve,
    websocket,
  });
  broadcaster.attach(server);
  return { server, broadcaster };
}

/**
 * The handlers that Bun would have got: those of `listen`, then Elysia's, which find the route's.
 */
function socketHandlers(app: AnyElysia, serve: ServeOptions): SocketHandlers {
  // Elysia keeps a copy of Bun's types, of an older Bun.
  const dispatch = elysiaHandlers as SocketHandlers;
  return { ...(app.config.websocket as object), ...dispatch, ...serve.websocket };
}

/** Limits that the app has set the way Bun takes them. The adapter's own config goes first. */
function bunLimits(app: AnyElysia, serve: ServeOptions): ShardcastConfig {
  const websocket = websocketOptions(app, serve);
  const { maxPayloadLength, backpressureLimit, idleTimeout, sendPings } = websocket;
  return defined({ maxPayloadLength, backpressureLimit, idleTimeout, sendPings });
}

/** Without the keys that were left undefined, which would hide what they are merged over. */
function defined(config: Record<string, unknown>): ShardcastConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
