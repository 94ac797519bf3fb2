import type { Server } from "bun";

import {
  type Broadcaster,
  type BroadcasterState,
  resolveShutdown,
  type ShutdownOptions,
} from "../broadcaster";
import type { ShardcastConfig } from "../config/config";
import { Lifecycle } from "../lifecycle";
import { type MessageData, toPayload } from "../payload";
import { atMost, pollUntil } from "../process/wait";
import { NO_SUBSCRIBERS, type PublishResult } from "../publish-result";
import { checkChannel } from "../sharded/clients/arguments";
import { checkTop, DEFAULT_TOP, type SlowClient } from "../sharded/clients/client-reports";
import type { SocketHandlers } from "../sharded/clients/clients";
import type { Source } from "../sources/source";
import { noCounters, type ShardStats, shardStats } from "../stats/stats";
import { BunClients, type BunSockets } from "./bun-clients";

/** How often a shutdown looks whether all have left. */
const QUIET_POLL_MS = 5;

/** Under this key modules that run anew find what those before them knew of a server. */
const OWNED = Symbol.for("shardcast.owned");

interface Owned {
  sockets: BunSockets;
  /** Bun's own. */
  stop: Server<unknown>["stop"];
  /** Stops the sources of those modules. */
  release: () => void;
}

type HotServer = Server<unknown> & { [OWNED]?: Owned };

/**
 * Bun's own `publish`, behind the same interface and without the addon.
 *
 * Use it for fewer than a thousand clients. It counts the messages that it hands to Bun, but not
 * those that the app publishes with `server.publish`. Bun has no limit of clients and no queue, so
 * `maxClients` does not apply. Bun drops messages of a slow client beyond `backpressureLimit`, and
 * does not report for which client.
 */
export class BunBroadcaster implements Broadcaster {
  readonly #lifecycle: Lifecycle<Server<unknown>>;
  readonly #clients: BunClients;
  #shutdown: Promise<void> | undefined;

  /** @internal */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#lifecycle = new Lifecycle(config, sources, this);
    this.#clients = new BunClients(this.#lifecycle);
  }

  get state(): BroadcasterState {
    return this.#lifecycle.state;
  }

  /**
   * Begins a start.
   *
   * @param app the only app that may listen meanwhile
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   * @returns `websocket` for `Bun.serve`, with the handlers wrapped
   * @internal
   */
  start(app: object, handlers: SocketHandlers, defaults: ShardcastConfig): SocketHandlers {
    const config = this.#lifecycle.begin(app, defaults);
    this.#clients.counters = { ...noCounters(), workers: 1 };
    this.#shutdown = undefined;
    const { maxPayloadLength, backpressureLimit, closeOnBackpressureLimit } = config;
    const { idleTimeout, sendPings, publishToSelf } = config;
    const { perMessageDeflate } = this.#lifecycle.input;
    return {
      ...this.#clients.watched(handlers),
      maxPayloadLength,
      backpressureLimit,
      closeOnBackpressureLimit,
      idleTimeout,
      sendPings,
      publishToSelf,
      ...(perMessageDeflate !== undefined && { perMessageDeflate }),
    };
  }

  /**
   * Publishes through this server from here on, and starts the sources.
   *
   * @internal
   */
  serve(server: Server<unknown>): void {
    const { stop } = this.#takeOver(server);
    this.#lifecycle.servers.add(server);
    this.#lifecycle.enter(server, "serving");
    // The app may as well stop its server by itself.
    server.stop = async (closeActiveConnections) => {
      this.#lifecycle.enter(server, "draining");
      await stop(closeActiveConnections);
      this.#lifecycle.enter(server, "ended");
    };
  }

  /** With `bun --hot` a server stays, with its clients, while the code around it runs anew. */
  #takeOver(server: HotServer): Owned {
    const former = server[OWNED];
    former?.release();
    if (former) this.#clients.sockets = former.sockets;
    const stop = former?.stop ?? server.stop.bind(server);
    const release = () => this.#lifecycle.stopSources();
    const owned = { sockets: this.#clients.sockets, stop, release };
    server[OWNED] = owned;
    return owned;
  }

  publish(channel: string, data: MessageData): PublishResult {
    const payload = toPayload(data, "publish");
    checkChannel(channel, "publish");
    const subscribers = this.subscriberCount(channel);
    if (subscribers === 0) return NO_SUBSCRIBERS;
    const { counters } = this.#clients;
    counters.messages += 1;
    counters.deliveries_expected += subscribers;
    counters.deliveries += subscribers;
    this.#lifecycle.current?.publish(channel, payload);
    return { subscribers, shards: 1, dropped: 0, saturated: 0 };
  }

  subscriberCount(channel: string): number {
    return this.#lifecycle.current?.subscriberCount(channel) ?? 0;
  }

  stats(): ShardStats {
    const counters = this.#clients.counted();
    return shardStats([counters], { published: counters.messages });
  }

  /** Of a client's lag Bun tells only the bytes. */
  async slowClients(top = DEFAULT_TOP): Promise<SlowClient[]> {
    checkTop(top);
    const slow = this.#clients.slow().map((ws) => ({
      id: this.#clients.sockets.get(ws) ?? "",
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
    const ending = resolveShutdown(options, this.#lifecycle.config);
    this.#shutdown ??= this.#close(ending);
    return this.#shutdown;
  }

  async #close(options: Required<ShutdownOptions>): Promise<void> {
    const servers = [...this.#lifecycle.servers];
    if (servers.length === 0) return;
    for (const server of servers) void server.stop();
    await atMost(this.#closeAll(options), options.timeoutMs);
    for (const server of servers) this.#end(server);
  }

  /** Closes the clients, and waits for them and the requests in progress. */
  async #closeAll(options: Required<ShutdownOptions>): Promise<void> {
    const { code, reason, spreadMs, timeoutMs } = options;
    await this.#clients.closeAll(code, reason, spreadMs);
    const isBusy = (server: Server<unknown>) => server.pendingRequests > 0;
    const isQuiet = () =>
      this.#clients.sockets.size === 0 && ![...this.#lifecycle.servers].some(isBusy);
    await pollUntil(isQuiet, { everyMs: QUIET_POLL_MS, timeoutMs });
  }

  #end(server: Server<unknown>): void {
    void server.stop(true);
    this.#lifecycle.enter(server, "ended");
  }
}
