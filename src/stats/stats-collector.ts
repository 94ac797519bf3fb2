import type { DeliveryTimes } from "./delivery-times";
import type { ShardStats } from "./stats";

/** Where a collector reads. */
export interface StatsSource {
  /** Counters since start and gauges now, by shard. */
  stats(): ShardStats;
  /** How long messages take; nothing where it cannot be known. */
  deliveryTimes?(): DeliveryTimes | undefined;
}

/**
 * Brings the stats to a metrics system, of whatever kind. `PrometheusCollector` is the default one.
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
  /** Called once, at the start. It reads whenever it wants: at a scrape, or on a timer. */
  observe(source: StatsSource): void;
}
