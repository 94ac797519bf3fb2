import {
  type Broadcaster,
  type BroadcasterState,
  GOING_AWAY,
  type PublishResult,
  type ShutdownOptions,
  TO_NOBODY,
} from "./broadcaster";
import { Clients, type SocketHandlers } from "./clients";
import {
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
  withoutUndefined,
} from "./config";
import { ShardcastError } from "./errors";
import { EventPump } from "./event-pump";
import { createLogger, type Logger } from "./logger";
import {
  type Core,
  type CoreEvent,
  type CoreOptions,
  type DoorAddress,
  type DoorOptions,
  decodePublish,
  loadNative,
} from "./native";
import { type MessageData, toPayload } from "./payload";
import { type Account, type Audit, Reports, type SlowClient } from "./reports";
import { checkChannel, type SocketHost } from "./socket";
import { Feeds } from "./sources/feeds";
import type { Source } from "./sources/source";
import { type ShardStats, shardStats, sumByShard } from "./stats";
import { atMost, pollUntil } from "./wait";
import { Warning } from "./warning";

/** How often a waiting source looks at the queues. A full queue drains in tens of milliseconds. */
const LOAD_POLL_MS = 2;
/** How often a stop looks whether the HTTP requests under way are answered. */
const QUIET_POLL_MS = 5;
const DEFAULT_TOP = 10;
/** More slow clients than this are of no use to whoever asks. */
const MAX_TOP = 10_000;

type UpgradeEvent = Extract<CoreEvent, { type: "Upgrade" }>;

/**
 * What stands behind the door: the Elysia app, which decides on upgrades and answers plain HTTP.
 */
export interface House {
  /** Decides on an upgrade. Never throws. */
  decide(event: UpgradeEvent): void;
  /** HTTP requests and upgrades that are not answered yet. */
  pending(): number;
  /** Ends plain HTTP at once. */
  close(): void;
}

/** What there is from `start` to `end`. After that, the counters are still read from it. */
interface Started {
  core: Core;
  pump: EventPump;
  clients: Clients;
  house?: House;
}

/** The native broadcaster: sockets, queues and fan-out on Rust threads, one core a broadcaster. */
export class ShardedBroadcaster implements Broadcaster, SocketHost {
  readonly #input: ShardcastConfig;
  readonly #logger: Logger;
  readonly #feeds: Feeds;
  readonly #reports = new Reports();
  readonly #queueFull = new Warning((dropped) => this.#warnOfFullQueues(dropped));
  #config: ResolvedConfig;
  #state: BroadcasterState = "starting";
  #started: Started | undefined;
  #shutdown: Promise<void> | undefined;

  /** Has no thread and no socket before an app listens with it. */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#input = withoutUndefined(config);
    this.#config = resolveConfig(config);
    this.#logger = this.#config.logger ?? createLogger();
    this.#feeds = new Feeds(sources, this, this.#logger);
  }

  get state(): BroadcasterState {
    return this.#state;
  }

  /** For the sockets, which exist only once it has started. */
  get core(): Core {
    if (this.#started) return this.#started.core;
    throw new ShardcastError("NOT_LISTENING", "the broadcaster has not started yet");
  }

  /**
   * Starts the worker threads, anew after an end. Nobody can connect before `listen`.
   *
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   */
  start(
    handlers: SocketHandlers,
    defaults: ShardcastConfig,
  ): { config: ResolvedConfig; clients: Clients } {
    if (this.#isUp) {
      throw new ShardcastError("ALREADY_LISTENING", "one broadcaster serves one app");
    }
    this.#config = resolveConfig({ ...defaults, ...this.#input });
    const clients = new Clients(handlers, this.#config.onSkip, this.#logger);
    const { Core } = loadNative();
    const core: Core = new Core(coreOptions(this.#config), () => pump.ring());
    const pump = new EventPump(core, (event) => this.#handle(event));
    this.#started = { core, pump, clients };
    this.#shutdown = undefined;
    return { config: this.#config, clients };
  }

  /**
   * Opens the door, and lets the sources flow.
   *
   * @returns where, with the port that was found when the one asked for was 0
   * @throws with the system's `code`, such as `EADDRINUSE`
   */
  listen(
    door: Pick<DoorOptions, "host" | "port" | "upstream" | "maxBodyBytes">,
    house: House,
  ): DoorAddress {
    const { headTimeoutMs, maxHeadBytes, upgradeTimeoutMs, maxPendingUpgrades } = this.#config;
    const address = this.core.listen({
      ...door,
      headTimeoutMs,
      maxHeadBytes,
      upgradeTimeoutMs,
      maxPendingUpgrades,
    });
    if (this.#started) this.#started.house = house;
    this.#enter("serving");
    this.#feeds.start();
    return address;
  }

  publish(channel: string, data: MessageData): PublishResult {
    return this.publishPayload(channel, toPayload(data, "publish"), 0);
  }

  /** As `publish`, to everyone but the client `except`; 0 is nobody. */
  publishPayload(channel: string, payload: string | Uint8Array, except: number): PublishResult {
    checkChannel(channel, "publish");
    if (!this.#isUp) return TO_NOBODY;
    const result = decodePublish(
      typeof payload === "string"
        ? this.core.publishText(channel, payload, except)
        : this.core.publishBinary(channel, payload, except),
    );
    if (result.dropped > 0) this.#queueFull.strike(result.dropped);
    return result;
  }

  subscriberCount(channel: string): number {
    return this.#isUp ? this.core.subscriberCount(channel) : 0;
  }

  stats(): ShardStats {
    return shardStats(sumByShard(this.#started?.core.workers() ?? [], this.#config));
  }

  async slowClients(top = DEFAULT_TOP): Promise<SlowClient[]> {
    if (!Number.isInteger(top) || top < 0 || top > MAX_TOP) {
      throw new RangeError(`top must be a whole number from 0 to ${MAX_TOP}, not ${top}`);
    }
    if (!this.#isUp) return [];
    const report = await this.#reports.answerTo(this.core.askSlowest(top));
    return (report?.clients ?? []).flatMap(({ client, lagMessages, lagBytes, account }) => {
      const socket = this.#started?.clients.get(client);
      if (!socket) return [];
      const { id, shard, worker, remoteAddress: address } = socket;
      return [{ id, shard, worker, address, lagMessages, lagBytes, account }];
    });
  }

  /** What was meant for a client, and what became of that; nothing when it is gone. */
  async account(handle: number): Promise<Account | undefined> {
    if (!this.#isUp) return undefined;
    const report = await this.#reports.answerTo(this.core.askClient(handle));
    return report?.clients[0]?.account;
  }

  async audit(): Promise<Audit | undefined> {
    if (!this.#isUp) return undefined;
    const report = await this.#reports.answerTo(this.core.askBooks());
    return report && { clients: report.clientBooks, shards: report.workerBooks };
  }

  queueLoad(): number {
    return this.#isUp ? this.core.queueLoad() : 0;
  }

  get saturated(): boolean {
    return this.#isUp && this.core.isSaturated();
  }

  async writable(): Promise<void> {
    await pollUntil(() => !this.saturated, { everyMs: LOAD_POLL_MS });
  }

  /**
   * Accepts no one from here on, and ends once all clients and requests have left by themselves.
   */
  async retire(): Promise<void> {
    if (!this.#isUp) return;
    this.#enter("draining");
    this.core.stopListening();
    await this.#quiet();
    this.end();
  }

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#shutdown ??= this.#close(options);
    return this.#shutdown;
  }

  async #close(options: ShutdownOptions): Promise<void> {
    if (!this.#isUp) return;
    const { code = GOING_AWAY, reason = "" } = options;
    const { spreadMs = this.#config.drainSpreadMs, timeoutMs = this.#config.drainTimeoutMs } =
      options;
    this.#enter("draining");
    this.core.stopListening();
    this.core.closeAll(code, reason, spreadMs);
    await atMost(this.#quiet(), timeoutMs);
    this.end();
  }

  /**
   * Resolves once no client's socket and no HTTP request is left, or everything has ended. A client
   * whose close was told may still be in its closing handshake.
   */
  async #quiet(): Promise<void> {
    const pending = () => this.core.clientCount() + (this.#started?.house?.pending() ?? 0);
    await pollUntil(() => !this.#isUp || pending() === 0, { everyMs: QUIET_POLL_MS });
  }

  /** Ends everything at once. The core first: its door still needs what answers plain HTTP. */
  end(): void {
    if (!this.#started || this.#state === "ended") return;
    const { core, pump, clients, house } = this.#started;
    this.#enter("ended");
    core.stop();
    pump.end();
    this.#reports.abandonAll();
    clients.abandonAll();
    house?.close();
  }

  get #isUp(): boolean {
    return this.#state === "serving" || this.#state === "draining";
  }

  #enter(state: BroadcasterState): void {
    this.#state = state;
    if (state !== "serving") this.#feeds.stop();
    this.#logger.info({ state }, `the broadcaster is ${state}`);
  }

  #handle(event: CoreEvent): void {
    if (event.type === "Report") this.#reports.answer(event);
    else if (event.type !== "Upgrade") this.#started?.clients.dispatch(event);
    else if (this.#isUp) this.#started?.house?.decide(event);
  }

  /** Names the shards, since the last of which a warning spoke. */
  #warnOfFullQueues(dropped: number): void {
    const full = this.core.workers().filter(({ messagesQueueFull }) => messagesQueueFull > 0);
    const shards = [...new Set(full.map(({ shard }) => shard))];
    this.#logger.warn(
      { dropped, shards },
      `worker queues are full, ${dropped} publishes were dropped by a worker`,
    );
  }
}

function coreOptions(config: ResolvedConfig): CoreOptions {
  return {
    numShards: config.numShards,
    workersPerShard: config.workersPerShard,
    maxClients: config.maxClients,
    bufferSize: config.bufferSize,
    bufferBytes: config.bufferBytes,
    dropSlowClients: config.dropSlowClients,
    maxPayloadLength: config.maxPayloadLength,
    // 0 is no limit, as with Bun.
    backpressureLimit: config.backpressureLimit || Number.MAX_SAFE_INTEGER,
    idleTimeoutSeconds: config.idleTimeout,
    sendPings: config.sendPings,
    queueMessages: config.queueMessages,
    queueBytes: config.queueBytes,
    saturationPercent: config.saturationPercent,
    workerNiceness: config.workerNiceness,
    maxChannelsPerClient: config.maxChannelsPerClient,
  };
}
