import type { ShardStats } from "./stats";

/** Where a collector reads. */
export interface StatsSource {
  /** Counters since start and gauges now. Costs some microseconds and disturbs no worker. */
  stats(): ShardStats;
}

/**
 * Takes a broadcaster's statistics to wherever they are watched.
 *
 * Any metrics system can implement it: it is given the source once, and reads it whenever it wants,
 * at a scrape or on a timer of its own.
 */
export interface StatsCollector {
  observe(source: StatsSource): void;
}
