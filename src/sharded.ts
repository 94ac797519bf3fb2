import {
  type Broadcaster,
  type BroadcasterState,
  type PublishResult,
  resolveShutdown,
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
import { createLogger, guarded, type Logger } from "./logger";
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
import {
  type Account,
  type Audit,
  checkTop,
  DEFAULT_TOP,
  Reports,
  type SlowClient,
} from "./reports";
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

/**
 * What there is from a start to its end. After that, the counters are still read from it. A stop
 * belongs to the start before it: however long it takes, it never touches what was started since.
 */
interface Run {
  core: Core;
  pump: EventPump;
  clients: Clients;
  house: House | undefined;
  ended: boolean;
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
  #run: Run | undefined;
  #shutdown: Promise<void> | undefined;
  /** By shard, when a warning was last written. */
  #queueFullBefore: number[] = [];

  /** Has no thread and no socket before an app listens with it. */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#input = withoutUndefined(config);
    this.#config = resolveConfig(config);
    this.#logger = guarded(this.#config.logger ?? createLogger());
    this.#feeds = new Feeds(sources, this, this.#logger);
  }

  get state(): BroadcasterState {
    return this.#state;
  }

  /** For the sockets: whether they hear what they publish themselves. */
  get publishToSelf(): boolean {
    return this.#config.publishToSelf;
  }

  /** For the sockets, which exist only once it has started. */
  get core(): Core {
    if (this.#run) return this.#run.core;
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
    const pump = new EventPump(core, (event) => this.#handle(event, run));
    const run: Run = { core, pump, clients, house: undefined, ended: false };
    this.#run = run;
    this.#shutdown = undefined;
    this.#queueFullBefore = [];
    return { config: this.#config, clients };
  }

  /**
   * Opens the door, and lets the sources flow.
   *
   * @param house is closed at the end, whether or not the door could be opened
   * @returns where, with the port that was found when the one asked for was 0
   * @throws with the system's `code`, such as `EADDRINUSE`
   */
  listen(
    door: Pick<DoorOptions, "host" | "port" | "upstream" | "maxBodyBytes">,
    house: House,
  ): DoorAddress {
    if (this.#run) this.#run.house = house;
    const { headTimeoutMs, maxHeadBytes, upgradeTimeoutMs, maxPendingUpgrades } = this.#config;
    const { perMessageDeflate } = this.#config;
    const address = this.core.listen({
      ...door,
      headTimeoutMs,
      maxHeadBytes,
      upgradeTimeoutMs,
      maxPendingUpgrades,
      perMessageDeflate,
    });
    this.#enter("serving");
    this.#feeds.start();
    return address;
  }

  publish(channel: string, data: MessageData): PublishResult {
    return this.publishPayload(channel, toPayload(data, "publish"), 0);
  }

  /**
   * As `publish`, to everyone but the client `except` (0 is nobody), and compressed if it may be.
   */
  publishPayload(
    channel: string,
    payload: string | Uint8Array,
    except: number,
    compress = true,
  ): PublishResult {
    checkChannel(channel, "publish");
    if (!this.#isUp) return TO_NOBODY;
    const result = decodePublish(
      typeof payload === "string"
        ? this.core.publishText(channel, payload, except, compress)
        : this.core.publishBinary(channel, payload, except, compress),
    );
    if (result.dropped > 0) this.#queueFull.strike(result.dropped);
    return result;
  }

  subscriberCount(channel: string): number {
    return this.#isUp ? this.core.subscriberCount(channel) : 0;
  }

  stats(): ShardStats {
    return shardStats(sumByShard(this.#run?.core.workers() ?? [], this.#config));
  }

  async slowClients(top = DEFAULT_TOP): Promise<SlowClient[]> {
    checkTop(top);
    if (!this.#isUp) return [];
    const report = await this.#reports.answerTo(this.core.askSlowest(top));
    return (report?.clients ?? []).flatMap(({ client, lagMessages, lagBytes, account }) => {
      const socket = this.#run?.clients.get(client);
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
    const run = this.#run;
    if (!run || !this.#isUp) return;
    this.#enter("draining");
    run.core.stopListening();
    await quiet(run);
    this.#end(run);
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const ending = resolveShutdown(options, this.#config);
    this.#shutdown ??= this.#close(ending);
    return this.#shutdown;
  }

  async #close({ code, reason, spreadMs, timeoutMs }: Required<ShutdownOptions>): Promise<void> {
    const run = this.#run;
    if (!run || !this.#isUp) return;
    this.#enter("draining");
    try {
      run.core.stopListening();
      run.core.closeAll(code, reason, spreadMs);
      await atMost(quiet(run), timeoutMs);
    } finally {
      this.#end(run);
    }
  }

  /** Ends everything at once. */
  end(): void {
    if (this.#run) this.#end(this.#run);
  }

  /** The core first: its door still needs what answers plain HTTP. */
  #end(run: Run): void {
    if (run.ended) return;
    run.ended = true;
    run.core.stop();
    run.pump.end();
    this.#reports.abandonAll();
    run.clients.abandonAll();
    run.house?.close();
    this.#enter("ended");
  }

  get #isUp(): boolean {
    return this.#state === "serving" || this.#state === "draining";
  }

  #enter(state: BroadcasterState): void {
    this.#state = state;
    if (state !== "serving") this.#feeds.stop();
    this.#logger.info({ state }, `the broadcaster is ${state}`);
  }

  #handle(event: CoreEvent, run: Run): void {
    if (event.type === "Report") this.#reports.answer(event);
    else if (event.type !== "Upgrade") run.clients.dispatch(event);
    else if (!run.ended) run.house?.decide(event);
  }

  /** Names the shards that have dropped something since the last warning. */
  #warnOfFullQueues(dropped: number): void {
    const before = this.#queueFullBefore;
    const now = sumByShard(this.core.workers(), this.#config).map((s) => s.messages_queue_full);
    const shards = now.flatMap((count, shard) => (count > (before[shard] ?? 0) ? [shard] : []));
    this.#queueFullBefore = now;
    this.#logger.warn(
      { dropped, shards },
      `worker queues are full, ${dropped} publishes were dropped by a worker`,
    );
  }
}

/**
 * Resolves once no client's socket and no HTTP request is left, or everything has ended. A client
 * whose close was told may still be in its closing handshake.
 */
async function quiet(run: Run): Promise<void> {
  const pending = () => run.core.clientCount() + (run.house?.pending() ?? 0);
  await pollUntil(() => run.ended || pending() === 0, { everyMs: QUIET_POLL_MS });
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
    closeOnBackpressureLimit: config.closeOnBackpressureLimit,
    idleTimeoutSeconds: config.idleTimeout,
    sendPings: config.sendPings,
    queueMessages: config.queueMessages,
    queueBytes: config.queueBytes,
    saturationPercent: config.saturationPercent,
    workerNiceness: config.workerNiceness,
    compressionThreshold: config.compressionThreshold,
    maxChannelsPerClient: config.maxChannelsPerClient,
  };
}
