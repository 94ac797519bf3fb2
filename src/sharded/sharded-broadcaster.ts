import { availableParallelism } from "node:os";

import type { Broadcaster, BroadcasterState, ChannelStats, ShutdownOptions } from "../broadcaster";
import {
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
  withoutUndefined,
} from "../config/config";
import { misfits } from "../config/fitness";
import { ShardcastError } from "../errors";
import { createLogger, guarded, type Logger } from "../logging/logger";
import { RateLimitedLog } from "../logging/rate-limited-log";
import { type MessageData, toPayload } from "../payload";
import { pollUntil } from "../process/wait";
import { NO_SUBSCRIBERS, type PublishResult } from "../publish-result";
import { Feeds } from "../sources/feeds";
import type { Source } from "../sources/source";
import type { DeliveryTimes } from "../stats/delivery-times";
import { type ShardStats, shardStats, sumByShard } from "../stats/stats";
import { checkChannel } from "./clients/arguments";
import {
  checkTop,
  DEFAULT_TOP,
  type Reconciliation,
  type SlowClient,
} from "./clients/client-reports";
import type { SocketHandlers } from "./clients/clients";
import { type Departure, MAX_DEPARTURES } from "./clients/departures";
import { NO_CLIENT } from "./constants";
import { raiseFileLimit } from "./native";
import { ShardedRun } from "./sharded-run";

/** How often a waiting source looks at the queues. A full queue drains in tens of milliseconds. */
const LOAD_POLL_MS = 2;

/** The native broadcaster: sockets, queues and fan-out on Rust threads, one core a run. */
export class ShardedBroadcaster implements Broadcaster {
  readonly #input: ShardcastConfig;
  readonly #logger: Logger;
  readonly #feeds: Feeds;
  /** @internal */
  readonly log: RateLimitedLog;
  #config: ResolvedConfig;
  /** The last one that has listened. Nothing before the first. */
  #run: ShardedRun | undefined;
  /** All that are not over: an app may listen again before it has stopped. */
  readonly #runs = new Set<ShardedRun>();
  /** The app that listens, or did so last. */
  #app: object | undefined;

  /**
   * Has no thread and no socket before an app listens with it.
   *
   * @internal
   */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#input = withoutUndefined(config);
    this.#config = resolveConfig(config);
    this.#logger = guarded(this.#config.logger ?? createLogger());
    this.log = new RateLimitedLog(this.#logger);
    this.#feeds = new Feeds(sources, this, this.#logger);
  }

  get state(): BroadcasterState {
    return this.#run?.state ?? "starting";
  }

  /**
   * That of the last start, with what the app had set.
   *
   * @internal
   */
  get config(): ResolvedConfig {
    return this.#config;
  }

  /**
   * Starts worker threads. Nobody can connect before the run listens. From then on it is the one
   * that publishes: as with Bun, an app that listens twice speaks to its last server.
   *
   * @param app who listens, which no other may do meanwhile
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   * @internal
   */
  start(app: object, handlers: SocketHandlers, defaults: ShardcastConfig): ShardedRun {
    if (this.#runs.size > 0 && app !== this.#app) {
      throw new ShardcastError("ALREADY_LISTENING", "one broadcaster serves one app");
    }
    this.#config = resolveConfig({ ...defaults, ...this.#input });
    const run: ShardedRun = new ShardedRun({
      config: this.#config,
      handlers,
      logger: this.#logger,
      log: this.log,
      onState: (state) => this.#entered(run, state),
      onTakenOver: () => this.#feeds.stop(),
    });
    this.#app = app;
    this.#runs.add(run);
    return run;
  }

  /**
   * Goes on with the run of another broadcaster, whose app has been reloaded.
   *
   * @param code what the app is now
   * @param unheeded what the app asks for that is as it was, besides keys of the config
   * @internal
   */
  takeOver(
    app: object,
    run: ShardedRun,
    code: { handlers: SocketHandlers; defaults: ShardcastConfig },
    unheeded: string[],
  ): void {
    const keys = run.takeOver({
      config: resolveConfig({ ...code.defaults, ...this.#input }),
      handlers: code.handlers,
      onState: (state) => this.#entered(run, state),
      onTakenOver: () => this.#feeds.stop(),
    });
    this.#config = run.config;
    this.#app = app;
    this.#run = run;
    this.#runs.add(run);
    this.#feeds.start();
    const asBefore = [...keys, ...unheeded];
    if (asBefore.length === 0) return;
    const what = asBefore.join(", ");
    this.#logger.warn({}, `${what}: a reloaded server keeps its old value. Restart it`);
  }

  /** A run that takes its time to end says nothing about one that was started since. */
  #entered(run: ShardedRun, state: BroadcasterState): void {
    if (state === "ended") this.#runs.delete(run);
    if (state === "serving") this.#run = run;
    if (run !== this.#run) return;
    this.#logger.info({ state }, `the broadcaster is ${state}`);
    if (state === "serving") this.#serve();
    else this.#feeds.stop();
  }

  #serve(): void {
    this.#warnOfMisfits();
    this.#feeds.start();
  }

  /** Once it serves: a start that has failed says what to do by itself. */
  #warnOfMisfits(): void {
    const machine = { cores: availableParallelism(), fileLimit: raiseFileLimit() };
    for (const misfit of misfits(this.#config, machine)) this.#logger.warn({}, misfit);
  }

  publish(channel: string, data: MessageData): PublishResult {
    checkChannel(channel, "publish");
    const payload = toPayload(data, "publish");
    return this.#run?.publishPayload(channel, payload, NO_CLIENT) ?? NO_SUBSCRIBERS;
  }

  subscriberCount(channel: string): number {
    return this.#run?.subscriberCount(channel) ?? 0;
  }

  stats(): ShardStats {
    return this.#run?.stats() ?? shardStats(sumByShard([], this.#config));
  }

  async slowClients(top = DEFAULT_TOP): Promise<SlowClient[]> {
    checkTop(top);
    return this.#run?.slowClients(top) ?? [];
  }

  departures(top = MAX_DEPARTURES): Departure[] {
    checkTop(top);
    return this.#run?.clients.departures.latest(top) ?? [];
  }

  async reconcile(): Promise<Reconciliation | undefined> {
    return this.#run?.reconcile();
  }

  channels(top = DEFAULT_TOP, search = ""): ChannelStats[] {
    checkTop(top);
    if (typeof search !== "string") {
      throw new TypeError(`search must be a string, not ${typeof search}`);
    }
    return this.#run?.channels(top, search) ?? [];
  }

  deliveryTimes(): DeliveryTimes | undefined {
    return this.#run?.core.deliveryTimes();
  }

  queueLoad(): number {
    return this.#run?.queueLoad() ?? 0;
  }

  get saturated(): boolean {
    return this.#run?.saturated ?? false;
  }

  async writable(): Promise<void> {
    await pollUntil(() => !this.saturated, { everyMs: LOAD_POLL_MS });
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    await Promise.all([...this.#runs].map((run) => run.shutdown(options)));
  }
}
