import { availableParallelism } from "node:os";

import type { Broadcaster, BroadcasterState, ChannelStats, ShutdownOptions } from "../broadcaster";
import type { ResolvedConfig, ShardcastConfig } from "../config/config";
import { misfits } from "../config/fitness";
import { Lifecycle } from "../lifecycle";
import { RateLimitedLog } from "../logging/rate-limited-log";
import { type MessageData, toPayload } from "../payload";
import { pollUntil } from "../process/wait";
import { NO_SUBSCRIBERS, type PublishResult } from "../publish-result";
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
import { type RunOwner, ShardedRun } from "./sharded-run";

/** How often a waiting source looks at the queues. A full queue drains in tens of milliseconds. */
const LOAD_POLL_MS = 2;

/** The native broadcaster: sockets, queues and fan-out on Rust threads, one core a run. */
export class ShardedBroadcaster implements Broadcaster {
  readonly #lifecycle: Lifecycle<ShardedRun>;
  /** @internal */
  readonly log: RateLimitedLog;

  /**
   * Has no thread and no socket before an app listens with it.
   *
   * @internal
   */
  constructor(config: ShardcastConfig, sources: readonly Source[] = []) {
    this.#lifecycle = new Lifecycle(config, sources, this, () => this.#warnOfMisfits());
    this.log = new RateLimitedLog(this.#lifecycle.logger);
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
    return this.#lifecycle.config;
  }

  /** The last run that has listened. Nothing before the first. */
  get #run(): ShardedRun | undefined {
    return this.#lifecycle.current;
  }

  /**
   * Starts worker threads. Once the run listens, it is the one that publishes: as with Bun, an app
   * that listens twice speaks to its last server.
   *
   * @param app the only app that may listen meanwhile
   * @param defaults of the app's, for keys that the broadcaster's own config leaves out
   * @internal
   */
  start(app: object, handlers: SocketHandlers, defaults: ShardcastConfig): ShardedRun {
    const { logger, servers } = this.#lifecycle;
    const config = this.#lifecycle.begin(app, defaults);
    const owner = this.#ownerOf(() => run);
    const run: ShardedRun = new ShardedRun({ config, handlers, logger, log: this.log, ...owner });
    servers.add(run);
    return run;
  }

  /**
   * Goes on with the run of another broadcaster, whose app has been reloaded.
   *
   * @param code what the app is now
   * @param ignored what the app asks for that stays as it was, besides keys of the config
   * @internal
   */
  takeOver(
    app: object,
    run: ShardedRun,
    { handlers, defaults }: { handlers: SocketHandlers; defaults: ShardcastConfig },
    ignored: string[],
  ): void {
    const config = this.#lifecycle.resolve(defaults);
    const keys = run.takeOver({ config, handlers, ...this.#ownerOf(() => run) });
    this.#lifecycle.adopt(app, run, run.config);
    const unchanged = [...keys, ...ignored];
    if (unchanged.length === 0) return;
    const what = unchanged.join(", ");
    this.#lifecycle.logger.warn({}, `${what}: a reloaded server keeps its old value. Restart it`);
  }

  #ownerOf(run: () => ShardedRun): RunOwner {
    return {
      onState: (state) => this.#lifecycle.enter(run(), state),
      onTakenOver: () => this.#lifecycle.stopSources(),
    };
  }

  /** Once it serves: a start that has failed says what to do by itself. */
  #warnOfMisfits(): void {
    const machine = { cores: availableParallelism(), fileLimit: raiseFileLimit() };
    for (const misfit of misfits(this.config, machine)) {
      this.#lifecycle.logger.warn({}, misfit);
    }
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
    return this.#run?.stats() ?? shardStats(sumByShard([], this.config));
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
    await Promise.all([...this.#lifecycle.servers].map((run) => run.shutdown(options)));
  }
}
