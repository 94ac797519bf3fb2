import type { Server, ServerWebSocket } from "bun";

import {
  type Broadcaster,
  type BroadcasterState,
  resolveShutdown,
  type ShutdownOptions,
} from "../broadcaster";
import {
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
  withoutUndefined,
} from "../config/config";
import { ShardcastError } from "../errors";
import { createLogger, guarded, type Logger } from "../logging/logger";
import { bytesIn, type MessageData, toPayload } from "../payload";
import { atMost, pause, pollUntil } from "../process/wait";
import { NO_SUBSCRIBERS, type PublishResult } from "../publish-result";
import { checkChannel } from "../sharded/clients/arguments";
import { checkTop, DEFAULT_TOP, type SlowClient } from "../sharded/clients/client-reports";
import type { SocketHandlers } from "../sharded/clients/clients";
import { truncateId } from "../sharded/clients/truncate-id";
import {
  CLOSE_ABNORMAL,
  CLOSE_INVALID_DATA,
  CLOSE_PROTOCOL_ERROR,
  CLOSE_TOO_BIG,
} from "../sharded/constants";
import { Feeds } from "../sources/feeds";
import type { Source } from "../sources/source";
import { noCounters, type ShardCounters, type ShardStats, shardStats } from "../stats/stats";

/**
 * Bun sends as it publishes, on the one JavaScript thread: in the terms of shards, there is one
 * with one worker.
 */
const THE_ONE_SHARD = 1;
/** How often a shutdown looks whether all have left. */
const QUIET_POLL_MS = 5;
/** Least time between two groups of clients that a shutdown closes. */
const CLOSE_STEP_MS = 5;
/** Close code for a client that the app has failed to name. */
const INTERNAL_ERROR = 1011;
/** Close codes with which Bun ends a client that breaks the protocol or its limits. */
const VIOLATIONS = [CLOSE_PROTOCOL_ERROR, CLOSE_INVALID_DATA, CLOSE_TOO_BIG];

/** By which modules that run anew find what those before them knew of a server. */
const OWNED = Symbol.for("shardcast.owned");

interface Owned {
  sockets: Map<ServerWebSocket<unknown>, string>;
  /** Bun's own. */
  stop: Server<unknown>["stop"];
  /** Ends what those modules still do. */
  release: () => void;
}

type HotServer = Server<unknown> & { [OWNED]?: Owned };

/**
 * Bun's own `publish`, behind the same interface and without the addon.
 *
 * Right for under a thousand clients, and the control in every benchmark. It counts what is
 * published through it, as handed to Bun; what the app gives to `server.publish` itself goes past
 * it. Bun has no limit of clients and no queue, so `maxClients` does not apply and nothing is
 * dropped here: a slow client's own buffer drops, at `backpressureLimit`, and Bun does not say
 * whose.
 */
export class BunBroadcaster implements Broadcaster {
  readonly #input: ShardcastConfig;
  readonly #logger: Logger;
  readonly #feeds: Feeds;
  /** The open sockets, and the ids of their clients. */
  #sockets = new Map<ServerWebSocket<unknown>, string>();
  #counters: ShardCounters = { ...noCounters(), workers: 1 };
  #config: ResolvedConfig;
  #state: BroadcasterState = "starting";
  /** The last one. */
  #server: Server<unknown> | undefined;
  /** All that are not over: an app may listen again before it has stopped. */
  readonly #servers = new Set<Server<unknown>>();
  /** The app that listens, or did so last. */
  #app: object | undefined;
  #shutdown: Promise<void> | undefined;

  /** @internal */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#input = withoutUndefined(config);
    this.#config = resolveConfig(config);
    this.#logger = guarded(this.#config.logger ?? createLogger());
    this.#feeds = new Feeds(sources, this, this.#logger);
  }

  get state(): BroadcasterState {
    return this.#state;
  }

  /**
   * Wraps the handlers of the server-to-be, so that clients are counted and a shutdown knows whom
   * to close.
   *
   * @param app who listens, which no other may do meanwhile
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   * @returns what Bun is to be given as `websocket`
   * @internal
   */
  start(app: object, handlers: SocketHandlers, defaults: ShardcastConfig): SocketHandlers {
    if (this.#servers.size > 0 && app !== this.#app) {
      throw new ShardcastError("ALREADY_LISTENING", "one broadcaster serves one app");
    }
    this.#config = resolveConfig({ ...defaults, ...this.#input });
    this.#counters = { ...noCounters(), workers: 1 };
    this.#shutdown = undefined;
    this.#app = app;
    const { maxPayloadLength, backpressureLimit, closeOnBackpressureLimit } = this.#config;
    const { idleTimeout, sendPings, publishToSelf } = this.#config;
    const { perMessageDeflate } = this.#input;
    return {
      ...this.#watched(handlers),
      maxPayloadLength,
      backpressureLimit,
      closeOnBackpressureLimit,
      idleTimeout,
      sendPings,
      publishToSelf,
      ...(perMessageDeflate !== undefined && { perMessageDeflate }),
    };
  }

  #watched(handlers: SocketHandlers): SocketHandlers {
    return {
      ...handlers,
      open: (ws) => {
        const client = this.#nameOrRefuse(ws);
        if (client === undefined) return;
        this.#sockets.set(ws, client);
        this.#logger.debug({ client: truncateId(client), shard: 0 }, "a client has connected");
        return handlers.open?.(ws);
      },
      message: (ws, message) => {
        this.#counters.messages_received += 1;
        this.#counters.bytes_received += bytesIn(message);
        return handlers.message?.(ws, message);
      },
      close: (ws, code, reason) => {
        const client = this.#sockets.get(ws);
        // It was refused: the app has not heard of it.
        if (client === undefined) return;
        this.#sockets.delete(ws);
        this.#countClosed(code);
        this.#logger.debug(
          { client: truncateId(client), shard: 0, code, reason },
          "a client has left",
        );
        return handlers.close?.(ws, code, reason);
      },
    };
  }

  /**
   * Publishes through this server from here on, and lets the sources flow.
   *
   * @internal
   */
  serve(server: Server<unknown>): void {
    const { stop } = this.#takeOver(server);
    this.#server = server;
    this.#servers.add(server);
    this.#enter("serving", server);
    this.#feeds.start();
    // The app may as well stop its server by itself.
    server.stop = async (closeActiveConnections) => {
      this.#enter("draining", server);
      await stop(closeActiveConnections);
      this.#servers.delete(server);
      this.#enter("ended", server);
    };
  }

  /** With `bun --hot` a server stays, with its clients, while the code around it runs anew. */
  #takeOver(server: HotServer): Owned {
    const former = server[OWNED];
    former?.release();
    if (former) this.#sockets = former.sockets;
    const stop = former?.stop ?? server.stop.bind(server);
    const owned = { sockets: this.#sockets, stop, release: () => this.#feeds.stop() };
    server[OWNED] = owned;
    return owned;
  }

  publish(channel: string, data: MessageData): PublishResult {
    const payload = toPayload(data, "publish");
    checkChannel(channel, "publish");
    const subscribers = this.subscriberCount(channel);
    if (subscribers === 0) return NO_SUBSCRIBERS;
    this.#counters.messages += 1;
    this.#counters.deliveries_expected += subscribers;
    this.#counters.deliveries += subscribers;
    this.#server?.publish(channel, payload);
    return { subscribers, shards: THE_ONE_SHARD, dropped: 0, saturated: 0 };
  }

  subscriberCount(channel: string): number {
    return this.#server?.subscriberCount(channel) ?? 0;
  }

  stats(): ShardStats {
    const clients = this.#sockets.size;
    const slow_clients = this.#slow().length;
    const worker = { queue_messages: 0, queue_bytes: 0, saturated: false, saturations: 0 };
    const per_worker = [{ clients, ...worker, busy_seconds: 0, failures: 0 }];
    const counters = { ...this.#counters, clients, slow_clients, per_worker };
    return shardStats([counters], { published: this.#counters.messages });
  }

  /** Of a client's lag Bun tells only the bytes. */
  async slowClients(top = DEFAULT_TOP): Promise<SlowClient[]> {
    checkTop(top);
    const slow = this.#slow().map((ws) => ({
      id: this.#sockets.get(ws) ?? "",
      shard: 0,
      worker: 0,
      address: ws.remoteAddress,
      lagBytes: ws.getBufferedAmount(),
    }));
    return slow.sort((one, other) => other.lagBytes - one.lagBytes).slice(0, top);
  }

  /** Bun does not tell why a client has left. */
  departures(): [] {
    return [];
  }

  /** Bun does not tell what becomes of a message. */
  reconcile(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  /** Bun does not name its channels. */
  channels(): [] {
    return [];
  }

  /** Bun does not tell when a message is written. */
  deliveryTimes(): undefined {
    return undefined;
  }

  /** Always 0: there is no queue. */
  queueLoad(): number {
    return 0;
  }

  /** Always false: there is no queue. */
  get saturated(): boolean {
    return false;
  }

  writable(): Promise<void> {
    return Promise.resolve();
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const ending = resolveShutdown(options, this.#config);
    this.#shutdown ??= this.#close(ending);
    return this.#shutdown;
  }

  async #close(options: Required<ShutdownOptions>): Promise<void> {
    const servers = [...this.#servers];
    if (servers.length === 0) return;
    for (const server of servers) void server.stop();
    await atMost(this.#closeAll(options), options.timeoutMs);
    for (const server of servers) this.#end(server);
  }

  /**
   * Closes the clients of now evenly over `spreadMs`, and waits for them and the requests under
   * way.
   */
  async #closeAll(options: Required<ShutdownOptions>): Promise<void> {
    const { code, reason, spreadMs, timeoutMs } = options;
    const clients = [...this.#sockets.keys()];
    const groups = Math.max(1, Math.min(clients.length, Math.floor(spreadMs / CLOSE_STEP_MS)));
    for (let group = 0; group < groups; group += 1) {
      if (group > 0) await pause(spreadMs / groups);
      const [from, to] = [group, group + 1].map((part) => (clients.length * part) / groups);
      for (const client of clients.slice(from, to)) client.close(code, reason);
    }
    const isBusy = (server: Server<unknown>) => server.pendingRequests > 0;
    const isQuiet = () => this.#sockets.size === 0 && ![...this.#servers].some(isBusy);
    await pollUntil(isQuiet, { everyMs: QUIET_POLL_MS, timeoutMs });
  }

  #end(server: Server<unknown>): void {
    void server.stop(true);
    this.#servers.delete(server);
    this.#enter("ended", server);
  }

  /** A stop that took its time says nothing about a server that was started since. */
  #enter(state: BroadcasterState, server: Server<unknown>): void {
    if (server !== this.#server || state === this.#state) return;
    if (this.#state === "ended" && state === "draining") return;
    this.#state = state;
    if (state !== "serving") this.#feeds.stop();
    this.#logger.info({ state }, `the broadcaster is ${state}`);
  }

  #slow(): ServerWebSocket<unknown>[] {
    return [...this.#sockets.keys()].filter((ws) => ws.getBufferedAmount() > 0);
  }

  /** Bun tells the code alone: who has closed, and why, is read from that as far as it goes. */
  #countClosed(code: number): void {
    if (this.#state === "draining") this.#counters.closed_by_app += 1;
    else if (code === CLOSE_ABNORMAL) this.#counters.closed_broken += 1;
    else if (VIOLATIONS.includes(code)) this.#counters.closed_violation += 1;
    else this.#counters.closed_by_client += 1;
  }

  /** The client's id. Where the app's `clientId` throws, the client cannot stay. */
  #nameOrRefuse(ws: ServerWebSocket<unknown>): string | undefined {
    try {
      return this.#idOf(ws);
    } catch (error) {
      // As `Bun.serve` does with an error in `fetch`. With sharding the app itself answers 500.
      console.error(error);
      ws.close(INTERNAL_ERROR);
      return undefined;
    }
  }

  /**
   * As the sharded broadcaster names its clients. Elysia keeps the request in the socket's data.
   */
  #idOf(ws: ServerWebSocket<unknown>): string {
    const { request } = (ws.data ?? {}) as { request?: Request };
    const { clientId } = this.#config;
    return request && clientId ? String(clientId(request)) : crypto.randomUUID();
  }
}
