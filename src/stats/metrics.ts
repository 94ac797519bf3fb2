import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ShardcastError } from "../errors";
import type { DeliveryTimes } from "./delivery-times";
import { METRICS, type Metric } from "./metric-table";
import { type ShardStats, shardStats } from "./stats";
import type { StatsCollector, StatsSource } from "./stats-collector";

/**
 * The default collector: reads the stats on each call, and returns them as an object or as
 * Prometheus text. It costs nothing between calls.
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
  #read: ShardStats = shardStats([]);

  observe(source: StatsSource): void {
    if (this.#source) {
      throw new ShardcastError(
        "ALREADY_OBSERVING",
        "a collector observes one source: make another",
      );
    }
    this.#source = source;
  }

  /** The current stats; without shards before `observe`. */
  stats(): ShardStats {
    return this.#source?.stats() ?? shardStats([]);
  }

  /** The current stats as Prometheus text; without metrics before `observe`. */
  async metrics(): Promise<string> {
    if (!this.#source) return "";
    this.#registry ??= register(
      METRICS,
      () => this.#read,
      () => this.#source?.deliveryTimes?.(),
    );
    const registry = await this.#registry;
    this.#read = this.stats();
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
  stats: () => ShardStats,
  deliveryTimes: () => DeliveryTimes | undefined,
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
        for (const { labels, value } of read(stats())) this.inc(labels, value);
      },
    });
  }
  registry.registerMetric(new DeliveryHistogram(deliveryTimes) as unknown as Histogram);
  return registry;
}

/** A histogram that is counted elsewhere, in the form in which a registry prints one. */
class DeliveryHistogram {
  readonly name = "shardcast_delivery_seconds";
  readonly help =
    "Time from the publish of a message until a worker has written it to all its clients that read.";
  readonly type = "histogram";
  readonly aggregator = "sum";

  constructor(private readonly times: () => DeliveryTimes | undefined) {}

  get() {
    const { name, help, type, aggregator } = this;
    const times = this.times();
    return { name, help, type, aggregator, values: times ? this.#values(times) : [] };
  }

  #values({ bounds, counts, sum }: DeliveryTimes) {
    let below = 0;
    const buckets = counts.map((count, bucket) => {
      below += count;
      const labels = { le: bounds[bucket] ?? "+Inf" };
      return { metricName: `${this.name}_bucket`, labels, value: below };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels: {}, value: sum },
      { metricName: `${this.name}_count`, labels: {}, value: below },
    ];
  }
}
