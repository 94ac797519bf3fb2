import type { ResolvedConfig } from "./config/config";
import type { MessageData } from "./payload";
import type { PublishResult } from "./publish-result";
import type { Reconciliation, SlowClient } from "./sharded/clients/client-reports";
import { closeCode } from "./sharded/clients/close-code";
import type { Departure } from "./sharded/clients/departures";
import { CLOSE_GOING_AWAY } from "./sharded/constants";
import type { DeliveryTimes } from "./stats/delivery-times";
import type { ShardStats } from "./stats/stats";

/** A day. */
const MAX_SPREAD_MS = 86_400_000;

/**
 * `starting` until its app listens, `draining` during a shutdown, `ended` after it.
 */
export type BroadcasterState = "starting" | "serving" | "draining" | "ended";

/** Options of a shutdown. Missing ones come from the config. */
export interface ShutdownOptions {
  /** Close code for the clients. Default: 1001, "going away". */
  code?: number;
  /** Close reason for the clients, at most 123 bytes of UTF-8. Default: none. */
  reason?: string;
  /** Time over which the closes are spread, so that the clients do not all reconnect at once. */
  spreadMs?: number;
  /** After this time the shutdown ends and drops undelivered messages. */
  timeoutMs?: number;
}

/** Figures of a channel that has subscribers. */
export interface ChannelStats {
  channel: string;
  subscribers: number;
  /** Messages published since the channel exists, with or without a subscriber. */
  published: number;
}

/**
 * Sends each message to every subscriber of a channel.
 *
 * There are two implementations: `ShardedBroadcaster`, on native threads, and `BunBroadcaster`, on
 * Bun's own `publish`. `useSharding` decides which of them the adapter's `broadcaster` is.
 *
 * @example
 * ```ts
 * const adapter = shardcast({ numShards: 2 });
 * new Elysia({ adapter }).ws("/", { open(ws) { ws.subscribe("ticks") } }).listen(3000);
 * const { subscribers, dropped } = adapter.broadcaster.publish("ticks", "hello");
 * ```
 */
export interface Broadcaster {
  readonly state: BroadcasterState;

  /**
   * Queues `data` for every subscriber: text as a text frame, bytes as a binary frame. Never waits.
   */
  publish(channel: string, data: MessageData): PublishResult;

  /** Clients subscribed to `channel` now. */
  subscriberCount(channel: string): number;

  /** Counters since start and gauges now, by shard. */
  stats(): ShardStats;

  /**
   * Clients whose socket refuses bytes, those that lag most first.
   *
   * @param top how many at most. Default: 10
   */
  slowClients(top?: number): Promise<SlowClient[]>;

  /**
   * The last clients that the server itself disconnected, newest first: clients that were too slow,
   * were silent for too long or broke the protocol, or whose worker failed. Always empty without
   * sharding.
   *
   * @param top how many at most. Default: 100, which is how many are kept
   */
  departures(top?: number): Departure[];

  /**
   * Compares two counts of the same deliveries: the sum of the delivery counts of all clients, past
   * ones too, and what the workers of the shards have counted. Both are equal at any moment; a
   * difference is a bug in shardcast. Undefined without sharding, where neither is counted.
   */
  reconcile(): Promise<Reconciliation | undefined>;

  /**
   * The channels that have subscribers, those with the most messages first. Always empty without
   * sharding. Visits every channel: `stats()` has their number.
   *
   * @param top how many at most. Default: 10
   * @param search a part of their names. Default: any name
   */
  channels(top?: number, search?: string): ChannelStats[];

  /**
   * The times from the publish of messages until a worker has written them to all of its clients
   * whose sockets accept them. Undefined without sharding.
   */
  deliveryTimes(): DeliveryTimes | undefined;

  /** Fill level of the fullest queue, from 0 to 1. At 1 a publish can be dropped. */
  queueLoad(): number;

  /**
   * Whether any worker is saturated: its queue has passed `saturationPercent` and is not yet below
   * half of that. A source that can wait should then await `writable`.
   */
  readonly saturated: boolean;

  /**
   * Resolves once no worker is saturated, so that a source that can wait loses nothing.
   *
   * Also resolves when the broadcaster ends; a source must detect that by itself.
   */
  writable(): Promise<void>;

  /**
   * Shuts down in order: closes the port, delivers what is queued, closes all clients, waits
   * for them and for HTTP requests in progress, and ends the threads. Later calls await the first.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
}

/**
 * Fills in how to end, before anything does.
 *
 * @throws RangeError or TypeError for a value that cannot be, naming it
 */
export function resolveShutdown(
  options: ShutdownOptions,
  { drainSpreadMs, drainTimeoutMs }: ResolvedConfig,
): Required<ShutdownOptions> {
  const { code = CLOSE_GOING_AWAY, reason = "" } = options;
  const { spreadMs = drainSpreadMs, timeoutMs = drainTimeoutMs } = options;
  if (typeof reason !== "string") {
    throw new TypeError(`reason must be a string, not ${typeof reason}`);
  }
  for (const [name, ms] of Object.entries({ spreadMs, timeoutMs })) {
    if (typeof ms === "number" && ms >= 0) continue;
    throw new RangeError(`${name} must be a time in milliseconds, not ${String(ms)}`);
  }
  const longest = Math.min(spreadMs, MAX_SPREAD_MS);
  return { code: closeCode(code), reason, spreadMs: longest, timeoutMs };
}
