import type { DeliveryTimes } from "./delivery-times";
import type { ShardStats } from "./stats";

/** What a collector reads. */
export interface StatsSource {
  /** Counters since start and gauges now, by shard. */
  stats(): ShardStats;
  /** Delivery times; undefined if they are not measured. */
  deliveryTimes?(): DeliveryTimes | undefined;
}

/**
 * Passes the stats to a metrics system. `PrometheusCollector` is the default.
 *
 * @example
 * ```ts
 * const toStatsd: StatsCollector = {
 *   observe(source) {
 *     setInterval(() => statsd.gauge("clients", source.stats().total_clients), 10_000);
 *   },
 * };
 * ```
 */
export interface StatsCollector {
  /** Called once, at the start. The collector can read at any time: at a scrape, or on a timer. */
  observe(source: StatsSource): void;
}
