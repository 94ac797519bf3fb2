import type { Counter, Gauge, Registry } from "prom-client";

import { ShardcastError } from "./errors";
import { METRICS, type Metric } from "./metric-table";
import { type ShardCounters, type ShardStats, shardStats, shardsOf } from "./stats";
import type { StatsCollector, StatsSource } from "./stats-collector";

/**
 * The default collector: reads the stats when it is asked, and shows them as they are or as
 * Prometheus text. It costs nothing in between.
 *
 * @example
 * ```ts
 * const collector = new PrometheusCollector();
 * const broadcaster = createBroadcaster(config, {}, collector);
 * const headers = { "content-type": collector.contentType };
 * app.get("/metrics", async () => new Response(await collector.metrics(), { headers }));
 * ```
 */
export class PrometheusCollector implements StatsCollector {
  /** The media type of `metrics()`, for its response. */
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  #registry: Promise<Registry> | undefined;
  #source: StatsSource | undefined;
  /** What the scrape under way reads: all of its values are of one moment. */
  #shards: readonly ShardCounters[] = [];

  observe(source: StatsSource): void {
    if (this.#source) {
      throw new ShardcastError(
        "ALREADY_OBSERVING",
        "a collector observes one source: make another",
      );
    }
    this.#source = source;
  }

  /** The stats as they are now; without a shard before `observe`. */
  stats(): ShardStats {
    return this.#source?.stats() ?? shardStats([]);
  }

  /** The stats as they are now, as Prometheus text; without a metric before `observe`. */
  async metrics(): Promise<string> {
    if (!this.#source) return "";
    this.#registry ??= register(METRICS, () => this.#shards);
    const registry = await this.#registry;
    this.#shards = shardsOf(this.stats());
    // The registry reads all metrics before it first waits, so no other scrape comes in between.
    return registry.metrics();
  }
}

/**
 * Makes a registry of its own, for two broadcasters of one process have metrics of their own.
 *
 * prom-client is loaded by the first scrape: an app without one does not pay for it at its start.
 */
async function register(
  metrics: readonly Metric[],
  shards: () => readonly ShardCounters[],
): Promise<Registry> {
  const prometheus = await import("prom-client");
  const registry = new prometheus.Registry();
  for (const { type, name, help, labelNames, read } of metrics) {
    const Kind = type === "counter" ? prometheus.Counter : prometheus.Gauge;
    new Kind({
      name,
      help,
      labelNames,
      registers: [registry],
      collect(this: Counter | Gauge) {
        // The counting is done elsewhere: what is added to nothing is the value itself.
        this.reset();
        for (const { labels, value } of read(shards())) this.inc(labels, value);
      },
    });
  }
  return registry;
}
