import { Counter, Gauge, Registry } from "prom-client";

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
 * collector.observe(adapter.broadcaster);
 * const headers = { "content-type": collector.contentType };
 * app.get("/metrics", async () => new Response(await collector.metrics(), { headers }));
 * ```
 */
export class PrometheusCollector implements StatsCollector {
  // Not prom-client's global one: two broadcasters of one process have metrics of their own.
  readonly #registry = new Registry();
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
    for (const metric of METRICS) this.#register(metric);
  }

  /** The stats as they are now; without a shard before `observe`. */
  stats(): ShardStats {
    return this.#source?.stats() ?? shardStats([]);
  }

  /** The stats as they are now, as Prometheus text; without a metric before `observe`. */
  metrics(): Promise<string> {
    this.#shards = shardsOf(this.stats());
    // The registry reads all metrics before it first waits, so no other scrape comes in between.
    return this.#registry.metrics();
  }

  /** The media type of `metrics()`, for its response. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  #register({ type, name, help, labelNames, read }: Metric): void {
    const samples = () => read(this.#shards);
    const Kind = type === "counter" ? Counter : Gauge;
    new Kind({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect(this: Counter | Gauge) {
        // The counting is done elsewhere: what is added to nothing is the value itself.
        this.reset();
        for (const { labels, value } of samples()) this.inc(labels, value);
      },
    });
  }
}
