import type { AppBackend } from "../app-backend/app-backend";
import {
  type BroadcasterState,
  type ChannelStats,
  resolveShutdown,
  type ShutdownOptions,
} from "../broadcaster";
import type { ConfigKey, ResolvedConfig } from "../config/config";
import { CONFIG_KEYS } from "../config/keys";
import type { Logger } from "../logging/logger";
import type { RateLimitedLog } from "../logging/rate-limited-log";
import { atMost, pollUntil } from "../process/wait";
import { NO_SUBSCRIBERS, type PublishResult } from "../publish-result";
import { NO_CHANNELS, type ShardStats, shardStats, sumByShard } from "../stats/stats";
import { refusedUpgrades } from "../upgrades/refused-upgrades";
import { checkChannel } from "./clients/arguments";
import {
  ClientReports,
  type DeliveryCounts,
  type Reconciliation,
  type SlowClient,
} from "./clients/client-reports";
import { Clients, type SocketHandlers } from "./clients/clients";
import type { SkipListener, SocketHost } from "./clients/socket";
import { coreOptions } from "./core-options";
import { FullQueues } from "./full-queues";
import {
  type Core,
  type DoorAddress,
  type DoorOptions,
  type HotFunctions,
  loadNative,
} from "./native";
import { decodePublish } from "./packed-answers";
import { RunCounts } from "./run-counts";
import { RunEvents } from "./run-events";

/** How often a stop looks whether the HTTP requests under way are answered. */
const QUIET_POLL_MS = 5;

/** What the door takes of the config. */
type DoorOptionOfConfig = Extract<keyof DoorOptions, keyof ResolvedConfig>;

/** The broadcaster that a run belongs to. */
export interface RunOwner {
  /** Called with each state that the run enters. */
  onState: (state: BroadcasterState) => void;
  /** Called when another broadcaster has taken the run over. No state follows. */
  onTakenOver: () => void;
}

/** What a run is made of. */
export interface RunParts extends RunOwner {
  config: ResolvedConfig;
  handlers: SocketHandlers;
  /** Never throws. */
  logger: Logger;
  log: RateLimitedLog;
}

/**
 * One run of the sharded broadcaster: a core with all that belongs to it, from start to end.
 *
 * Another start is another run, so that a server that was stopped, or an app that decides late, can
 * touch nothing of the next. Its counters can still be read after its end.
 */
export class ShardedRun implements SocketHost {
  readonly config: ResolvedConfig;
  readonly core: Core;
  readonly calls: HotFunctions;
  readonly clients: Clients;
  readonly log: RateLimitedLog;
  readonly counts: RunCounts;
  readonly #fullQueues: FullQueues;
  readonly #reports: ClientReports;
  readonly #events: RunEvents;
  #owner: RunOwner;
  #state: BroadcasterState = "starting";
  #backend: AppBackend | undefined;
  #shutdown: Promise<void> | undefined;

  /** Starts the worker threads. The door is closed until `listen`. */
  constructor({ config, handlers, logger, log, onState, onTakenOver }: RunParts) {
    this.config = config;
    this.log = log;
    this.#owner = { onState, onTakenOver };
    const { Core } = loadNative();
    this.core = new Core(coreOptions(config), () => this.#events.wake());
    this.calls = this.core.hotFunctions();
    const onSkip: SkipListener = (ws, missed) => this.config.onSkip?.(ws, missed);
    const discard = (client: number, kinds: number) => this.core.discard(client, kinds);
    const answerPing = (client: number, payload: Buffer) =>
      this.#events.answerPing(client, payload);
    const clients = new Clients({ handlers, onSkip, logger, log, discard, answerPing });
    const counts = new RunCounts(logger, log);
    const reports = new ClientReports(this.core, clients);
    const backend = () => this.#backend;
    this.clients = clients;
    this.counts = counts;
    this.#reports = reports;
    this.#fullQueues = new FullQueues(() => this.core.workers(), log);
    this.#events = new RunEvents(this.core, this.calls, {
      ...{ clients, reports, counts, logger, backend },
    });
  }

  /** Calls a function in the async context of `listen`. */
  get inContext(): RunEvents["inContext"] {
    return this.#events.inContext;
  }

  get state(): BroadcasterState {
    return this.#state;
  }

  get isUp(): boolean {
    return this.#state === "serving" || this.#state === "draining";
  }

  /** For the sockets: whether they receive what they publish themselves. */
  get publishToSelf(): boolean {
    return this.config.publishToSelf;
  }

  /** For the sockets. */
  get workersPerShard(): number {
    return this.config.workersPerShard;
  }

  /**
   * Goes on with new handlers and hooks, and with another owner.
   *
   * @returns the keys of the config that would have needed a new start
   */
  takeOver({ config, handlers, ...owner }: Omit<RunParts, "logger" | "log">): ConfigKey[] {
    this.#owner.onTakenOver();
    this.#owner = owner;
    this.clients.handlers = handlers;
    const { clientId, onSkip } = config;
    Object.assign(this.config, { clientId, onSkip });
    const keys = Object.keys(CONFIG_KEYS) as ConfigKey[];
    return keys.filter((key) => String(config[key]) !== String(this.config[key]));
  }

  /**
   * Opens the door. The run closes the backend with itself, also where this fails.
   *
   * @returns the address, with the port that the system chose for port 0
   * @throws with the system's `code`, such as `EADDRINUSE`
   */
  listen(door: Omit<DoorOptions, DoorOptionOfConfig>, backend: AppBackend): DoorAddress {
    this.#backend = backend;
    const { headTimeoutMs, maxHeadBytes, upgradeTimeoutMs, maxPendingUpgrades } = this.config;
    const { maxHttpRequests, perMessageDeflate } = this.config;
    const address = this.core.listen({
      ...door,
      headTimeoutMs,
      maxHeadBytes,
      upgradeTimeoutMs,
      maxPendingUpgrades,
      maxHttpRequests,
      perMessageDeflate,
    });
    this.#enter("serving");
    return address;
  }

  /**
   * As `publish`, to all subscribers but the client `except`.
   *
   * @param compress false keeps the message as it is for those too that take messages compressed
   */
  publishPayload(
    channel: string,
    payload: string | Uint8Array,
    except: number,
    compress = true,
  ): PublishResult {
    checkChannel(channel, "publish");
    if (!this.isUp) return NO_SUBSCRIBERS;
    const result = decodePublish(
      typeof payload === "string"
        ? this.calls.publishText(channel, payload, except, compress)
        : this.calls.publishBinary(channel, payload, except, compress),
    );
    if (result.shards > 0 || result.dropped > 0) this.counts.published += 1;
    if (result.dropped > 0) {
      result.subscribers = this.core.subscriberCount(channel);
      this.#fullQueues.record(result.dropped);
    }
    return result;
  }

  subscriberCount(channel: string): number {
    return this.isUp ? this.core.subscriberCount(channel) : 0;
  }

  /** Counters since the start and gauges now, by shard. */
  stats(): ShardStats {
    const { published, acceptFailures, requestFailures, refused } = this.counts;
    return shardStats(sumByShard(this.core.workers(), this.config), {
      published,
      channelTotals: this.isUp ? this.core.channelTotals() : NO_CHANNELS,
      acceptFailures,
      refused: refusedUpgrades(refused, this.core.refusedAtDoor()),
      requestFailures,
    });
  }

  async slowClients(top: number): Promise<SlowClient[]> {
    return this.isUp ? this.#reports.slowest(top) : [];
  }

  /** Messages expected to reach a client, and what became of them; nothing when it is gone. */
  async deliveryCounts(handle: number): Promise<DeliveryCounts | undefined> {
    return this.isUp ? this.#reports.deliveryCounts(handle) : undefined;
  }

  async reconcile(): Promise<Reconciliation | undefined> {
    return this.isUp ? this.#reports.reconcile() : undefined;
  }

  closed(handle: number, code: number, reason: string): void {
    this.clients.closed(handle, code, reason);
  }

  channels(top: number, search: string): ChannelStats[] {
    return this.isUp ? this.core.busiestChannels(top, search) : [];
  }

  queueLoad(): number {
    return this.isUp ? this.core.queueLoad() : 0;
  }

  get saturated(): boolean {
    return this.isUp && this.core.isSaturated();
  }

  /** Closes the door, and ends once all clients and requests have left by themselves. */
  async drain(): Promise<void> {
    if (!this.isUp) return;
    this.#enter("draining");
    this.core.stopListening();
    await this.#quiet();
    this.end();
  }

  /**
   * Ends in order. Further calls await the first.
   *
   * @throws RangeError or TypeError for an option that cannot be; then nothing has changed
   */
  async shutdown(options: ShutdownOptions): Promise<void> {
    const ending = resolveShutdown(options, this.config);
    if (!this.isUp) return;
    this.#shutdown ??= this.#close(ending);
    await this.#shutdown;
  }

  /** Ends HTTP requests and upgrades at once, unanswered. Followed by `shutdown`. */
  cutOff(): void {
    if (!this.isUp) return;
    this.core.endRequests();
    this.#closeBackend();
  }

  #closeBackend(): void {
    this.#backend?.close();
    // A broadcaster that is kept is no reason to keep its app.
    this.#backend = undefined;
  }

  async #close({ code, reason, spreadMs, timeoutMs }: Required<ShutdownOptions>): Promise<void> {
    this.#enter("draining");
    try {
      this.core.stopListening();
      this.core.closeAll(code, reason, spreadMs);
      await atMost(this.#quiet(), timeoutMs);
    } finally {
      this.end();
    }
  }

  /**
   * Resolves once no client's socket and no HTTP request is left, or everything has ended. A client
   * whose `close` handler has run may still be in its closing handshake.
   */
  async #quiet(): Promise<void> {
    const pending = () => this.core.clientCount() + (this.#backend?.pending() ?? 0);
    await pollUntil(() => !this.isUp || pending() === 0, { everyMs: QUIET_POLL_MS });
  }

  /** Ends everything at once. The core first: its door still needs the backend. */
  end(): void {
    if (this.#state === "ended") return;
    this.#enter("ended");
    this.core.stop();
    this.#events.end();
    this.#reports.abandonAll();
    this.clients.abandonAll();
    this.#closeBackend();
  }

  #enter(state: BroadcasterState): void {
    this.#state = state;
    this.#owner.onState(state);
  }
}
