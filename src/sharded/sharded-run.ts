import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";
import type { AppBackend } from "../app-backend/app-backend";
import { TrustedProxies } from "../app-backend/trusted-proxies";
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
import { NO_CHANNELS } from "../stats/stats";
import {
  type RefusedHere,
  type RefusedUpgrades,
  refusedUpgrades,
} from "../upgrades/refused-upgrades";
import { Clients, type SocketHandlers } from "./clients";
import { coreOptions } from "./core-options";
import type { Departure } from "./departures";
import { EventPump } from "./event-pump";
import { FullQueues } from "./full-queues";
import {
  type ChannelTotals,
  type Core,
  type CoreEvent,
  type DoorAddress,
  type DoorOptions,
  decodePublish,
  loadNative,
  type QuickCalls,
} from "./native";
import { type DeliveryCounts, type Reconciliation, Reports, type SlowClient } from "./reports";
import { FailedRequests, type RequestFailures } from "./request-failures";
import { checkChannel, type SkipListener, type SocketHost } from "./socket";

/** How often a stop looks whether the HTTP requests under way are answered. */
const QUIET_POLL_MS = 5;

/** What the door takes of the config. */
type DoorOptionOfConfig = Extract<keyof DoorOptions, keyof ResolvedConfig>;

/** What a run is made of. */
export interface RunParts {
  config: ResolvedConfig;
  handlers: SocketHandlers;
  /** Never throws. */
  logger: Logger;
  log: RateLimitedLog;
  /** Is told each state that the run enters. */
  onState: (state: BroadcasterState) => void;
  /** Is told that another has taken the run over. Nothing more is told then. */
  onTakenOver: () => void;
}

/**
 * One run of the sharded broadcaster: a core with all that belongs to it, from start to end.
 *
 * Another start is another run, so whoever holds this one (a server that was stopped, an app that
 * decides late) can touch nothing of the next. Its counters can still be read after its end.
 */
export class ShardedRun implements SocketHost {
  readonly config: ResolvedConfig;
  readonly core: Core;
  readonly calls: QuickCalls;
  readonly clients: Clients;
  readonly log: RateLimitedLog;
  /**
   * Calls a function in the async context of `listen`. Whatever comes from outside begins there, as
   * with Bun, and not in what the handler before has left.
   */
  readonly inContext = AsyncLocalStorage.snapshot();
  /** Nothing where none are trusted. */
  readonly proxies: TrustedProxies | undefined;
  readonly #pump: EventPump;
  readonly #reports = new Reports();
  readonly #fullQueues: FullQueues;
  readonly #failedRequests: FailedRequests;
  readonly #logger: Logger;
  #owner: Pick<RunParts, "onState" | "onTakenOver">;
  /** Messages published to at least one subscriber. */
  published = 0;
  /** How often the system had no descriptor or memory for a connection, which then had to wait. */
  acceptFailures = 0;
  /** Written by whoever decides on upgrades. */
  readonly refusedHere: RefusedHere = { app: 0, full: 0, draining: 0 };
  #state: BroadcasterState = "starting";
  #backend: AppBackend | undefined;
  #shutdown: Promise<void> | undefined;

  /** Starts the worker threads. Nobody can connect before `listen`. */
  constructor({ config, handlers, logger, log, onState, onTakenOver }: RunParts) {
    this.config = config;
    this.#owner = { onState, onTakenOver };
    const { trustedProxies } = config;
    this.proxies = trustedProxies.length > 0 ? new TrustedProxies(trustedProxies) : undefined;
    this.#logger = logger;
    this.log = log;
    const onSkip: SkipListener = (ws, missed) => this.config.onSkip?.(ws, missed);
    const discard = (client: number, kinds: number) => this.core.discard(client, kinds);
    const answerPing = this.#answerPing;
    this.clients = new Clients({ handlers, onSkip, logger, log, discard, answerPing });
    const { Core } = loadNative();
    this.core = new Core(coreOptions(config), () => this.#pump.ring());
    this.calls = this.core.quickCalls();
    this.#pump = new EventPump(
      this.calls,
      (event) => this.inContext(this.#handle, event),
      (err) => logger.error({ err }, "could not handle an event: this is a bug in shardcast"),
    );
    this.#fullQueues = new FullQueues(() => this.core.workers(), log);
    this.#failedRequests = new FailedRequests(logger);
  }

  /** Requests of plain HTTP that the app has not answered. */
  get requestFailures(): RequestFailures {
    return this.#failedRequests.counts;
  }

  /** Upgrades that were refused, by JavaScript or before they came to it. */
  get refused(): RefusedUpgrades {
    return refusedUpgrades(this.refusedHere, this.core.refusedAtDoor());
  }

  get state(): BroadcasterState {
    return this.#state;
  }

  get isUp(): boolean {
    return this.#state === "serving" || this.#state === "draining";
  }

  /** For the sockets: whether they hear what they publish themselves. */
  get publishToSelf(): boolean {
    return this.config.publishToSelf;
  }

  /** For the sockets. */
  get workersPerShard(): number {
    return this.config.workersPerShard;
  }

  /**
   * Goes on with new handlers and hooks, and tells another what becomes of it.
   *
   * @returns the keys of the config that would have needed a new start
   */
  takeOver({
    config,
    handlers,
    onState,
    onTakenOver,
  }: Omit<RunParts, "logger" | "log">): ConfigKey[] {
    this.#owner.onTakenOver();
    this.#owner = { onState, onTakenOver };
    this.clients.handlers = handlers;
    const { clientId, onSkip } = config;
    Object.assign(this.config, { clientId, onSkip });
    const keys = Object.keys(CONFIG_KEYS) as ConfigKey[];
    return keys.filter((key) => String(config[key]) !== String(this.config[key]));
  }

  /**
   * Opens the door. The run closes the backend with itself, also where this fails.
   *
   * @returns where, with the port that was found when the one asked for was 0
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
   * As `publish`, to everyone but the client `except` (0 is nobody), and compressed if it may be.
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
    if (result.shards > 0 || result.dropped > 0) this.published += 1;
    if (result.dropped > 0) {
      result.subscribers = this.core.subscriberCount(channel);
      this.#fullQueues.record(result.dropped);
    }
    return result;
  }

  subscriberCount(channel: string): number {
    return this.isUp ? this.core.subscriberCount(channel) : 0;
  }

  async slowClients(top: number): Promise<SlowClient[]> {
    if (!this.isUp) return [];
    const report = await this.#reports.answerTo(this.core.askSlowest(top));
    return (report?.clients ?? []).flatMap(({ client, lagMessages, lagBytes, deliveryCounts }) => {
      const socket = this.clients.get(client);
      if (!socket) return [];
      const { id, shard, worker, remoteAddress: address } = socket;
      return [{ id, shard, worker, address, lagMessages, lagBytes, deliveryCounts }];
    });
  }

  departures(top: number): Departure[] {
    return this.clients.departures.latest(top);
  }

  closed(handle: number, code: number, reason: string): void {
    this.clients.closed(handle, code, reason);
  }

  /** Messages expected to reach a client, and what became of them; nothing when it is gone. */
  async deliveryCounts(handle: number): Promise<DeliveryCounts | undefined> {
    if (!this.isUp) return undefined;
    const report = await this.#reports.answerTo(this.core.askClient(handle));
    return report?.clients[0]?.deliveryCounts;
  }

  async reconcile(): Promise<Reconciliation | undefined> {
    if (!this.isUp) return undefined;
    const report = await this.#reports.answerTo(this.core.askReconciliation());
    return report && { clients: report.clientTotals, shards: report.workerTotals };
  }

  channels(top: number, search: string): ChannelStats[] {
    return this.isUp ? this.core.busiestChannels(top, search) : [];
  }

  /** All channels together. */
  get channelTotals(): ChannelTotals {
    return this.isUp ? this.core.channelTotals() : NO_CHANNELS;
  }

  queueLoad(): number {
    return this.isUp ? this.core.queueLoad() : 0;
  }

  get saturated(): boolean {
    return this.isUp && this.core.isSaturated();
  }

  /**
   * Accepts no one from here on, and ends once all clients and requests have left by themselves.
   */
  async retire(): Promise<void> {
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

  /** Ends all that is under way but clients, at once and unanswered. `shutdown` is to follow. */
  cutOff(): void {
    if (!this.isUp) return;
    this.core.endRequests();
    this.#closeBackend();
  }

  #closeBackend(): void {
    this.#backend?.close();
    // The app may be kept for as long as its broadcaster, but not for its broadcaster.
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
   * whose close was told may still be in its closing handshake.
   */
  async #quiet(): Promise<void> {
    const pending = () => this.core.clientCount() + (this.#backend?.pending() ?? 0);
    await pollUntil(() => !this.isUp || pending() === 0, { everyMs: QUIET_POLL_MS });
  }

  /** Ends everything at once. The core first: its door still needs what answers plain HTTP. */
  end(): void {
    if (this.#state === "ended") return;
    this.#enter("ended");
    this.core.stop();
    this.#pump.end();
    this.#reports.abandonAll();
    this.clients.abandonAll();
    this.#closeBackend();
  }

  #enter(state: BroadcasterState): void {
    this.#state = state;
    this.#owner.onState(state);
  }

  readonly #handle = (event: CoreEvent): void => {
    switch (event.type) {
      case "Report":
        this.#reports.answer(event);
        break;
      case "Upgrades":
        this.#backend?.decide(event);
        break;
      case "GivenUp":
        this.#backend?.abort(event.upgrade);
        break;
      case "AcceptFailed":
        this.acceptFailures += 1;
        this.log.record("acceptFailed", { reason: event.reason });
        break;
      case "RequestsFailed":
        this.#failedRequests.note(event);
        break;
      case "WorkerFailed": {
        const { shard, worker, reason } = event;
        this.#logger.error(
          { shard, worker, reason },
          "a worker has failed; its clients are closed",
        );
        break;
      }
      case "PeerDone":
        this.#finish(event.client);
        break;
      default:
        this.clients.dispatch(event);
    }
  };

  /**
   * Closes a client that has said its last word. The event comes behind the client's messages, and
   * Elysia may answer those in a microtask: the answers go out before the close.
   */
  #finish(client: number): void {
    setImmediate(() => {
      if (this.isUp) this.core.finish(client);
    });
  }

  /** Answers a ping behind the answers to the messages before it, for the same reason. */
  readonly #answerPing = (client: number, payload: Buffer): void => {
    // The app's handler is given the payload, and may write into it.
    const kept = Buffer.from(payload);
    setImmediate(() => {
      if (this.isUp) this.core.answerPing(client, kept);
    });
  };
}
