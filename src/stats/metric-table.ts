import { readdirSync, statSync } from "node:fs";

import { type ShardCounters, type ShardStats, shardsOf, type WorkerStats } from "./stats";

/** One value of a metric, and the labels that tell it from the metric's others. */
export interface Sample {
  labels: Record<string, string | number>;
  value: number;
}

/** Where the values of a metric come from. */
interface Reader {
  labelNames: readonly string[];
  read(stats: ShardStats): Sample[];
}

/** A metric as Prometheus knows it, and where its values come from. */
export interface Metric extends Reader {
  type: "counter" | "gauge";
  name: string;
  help: string;
}

type ShardCount = Exclude<keyof ShardCounters, "per_worker">;

/**
 * Every metric. What a query can add up, such as the queues of a shard out of those of its workers,
 * is not here a second time.
 */
export const METRICS: readonly Metric[] = [
  gauge("shardcast_clients", "Clients now.", perShard("clients")),
  gauge("shardcast_clients_limit", "Clients that a shard admits.", perShard("max_clients")),
  gauge(
    "shardcast_slow_clients",
    "Clients whose socket refuses bytes now.",
    perShard("slow_clients"),
  ),
  counter(
    "shardcast_clients_closed_total",
    "Clients that left, by reason.",
    perReason({
      app: "closed_by_app",
      client: "closed_by_client",
      slow: "closed_slow",
      idle: "closed_idle",
      broken: "closed_broken",
      violation: "closed_violation",
      unfinished: "closed_unfinished",
      failed: "closed_failed",
    }),
  ),
  counter(
    "shardcast_accept_failures_total",
    "Times that the system had no descriptor or memory for a connection, which then had to wait.",
    ofAll("accept_failures"),
  ),
  counter("shardcast_upgrades_refused_total", "WebSocket upgrades that were refused, by reason.", {
    labelNames: ["reason"],
    read: (stats) => [
      { labels: { reason: "app" }, value: stats.refused_app },
      { labels: { reason: "full" }, value: stats.refused_full },
      { labels: { reason: "draining" }, value: stats.refused_draining },
      { labels: { reason: "malformed" }, value: stats.refused_malformed },
      { labels: { reason: "busy" }, value: stats.refused_busy },
      { labels: { reason: "undecided" }, value: stats.refused_undecided },
    ],
  }),
  counter(
    "shardcast_http_requests_failed_total",
    "Requests of plain HTTP that have got no answer of the app, by reason.",
    {
      labelNames: ["reason"],
      read: (stats) => [
        { labels: { reason: "busy" }, value: stats.requests_busy },
        { labels: { reason: "unreachable" }, value: stats.requests_unreachable },
        { labels: { reason: "unusable" }, value: stats.requests_unusable },
        { labels: { reason: "broken" }, value: stats.requests_broken },
      ],
    },
  ),
  gauge("shardcast_workers", "Worker threads.", perShard("workers")),
  gauge("shardcast_channels", "Channels that have subscribers.", ofAll("total_channels")),
  gauge(
    "shardcast_subscriptions",
    "Clients that are subscribed, each once for each of its channels.",
    ofAll("total_subscriptions"),
  ),

  counter(
    "shardcast_messages_total",
    "Published messages taken from the queues of workers, each once for each worker.",
    perShard("messages"),
  ),
  counter(
    "shardcast_messages_saturated_total",
    "Published messages queued while the worker was saturated.",
    perShard("messages_saturated"),
  ),
  counter(
    "shardcast_messages_dropped_total",
    "Published messages that the full queue of a worker did not take.",
    perShard("messages_queue_full"),
  ),

  counter(
    "shardcast_deliveries_expected_total",
    "Deliveries expected: each message once for each of its subscribers.",
    perShard("deliveries_expected"),
  ),
  counter(
    "shardcast_deliveries_total",
    "Deliveries made: the socket of the client took the whole message.",
    perShard("deliveries"),
  ),
  counter(
    "shardcast_deliveries_dropped_total",
    "Expected deliveries that were not made, by reason.",
    perReason({
      slow: "dropped_slow",
      skipped: "dropped_skipped",
      closed: "dropped_closed",
      queue_full: "dropped_queue_full",
    }),
  ),
  gauge(
    "shardcast_deliveries_pending",
    "Expected deliveries that are neither made nor dropped yet.",
    perShard("deliveries_pending"),
  ),

  counter(
    "shardcast_written_bytes_total",
    "Bytes written to sockets, frame headers included.",
    perShard("bytes_written"),
  ),
  counter(
    "shardcast_writes_total",
    "Writes to sockets. One may carry many messages.",
    perShard("writes"),
  ),
  counter(
    "shardcast_received_messages_total",
    "Messages received from clients.",
    perShard("messages_received"),
  ),
  counter(
    "shardcast_received_bytes_total",
    "Bytes of payload received from clients.",
    perShard("bytes_received"),
  ),

  gauge("shardcast_worker_clients", "Clients of the worker now.", perWorker("clients")),
  gauge(
    "shardcast_worker_queue_messages",
    "Published messages waiting in the queue of the worker.",
    perWorker("queue_messages"),
  ),
  gauge(
    "shardcast_worker_queue_bytes",
    "Bytes of published messages waiting in the queue of the worker.",
    perWorker("queue_bytes"),
  ),
  gauge(
    "shardcast_worker_saturated",
    "1 while the queue of the worker is past its soft mark, otherwise 0.",
    perWorker("saturated"),
  ),
  counter(
    "shardcast_worker_saturations_total",
    "Times that the queue of the worker went past its soft mark.",
    perWorker("saturations"),
  ),
  counter(
    "shardcast_worker_busy_seconds_total",
    "Seconds that the worker was at work, and did not wait for something to do.",
    perWorker("busy_seconds"),
  ),
  counter(
    "shardcast_worker_failures_total",
    "Times that the worker has failed, closed its clients and begun anew.",
    perWorker("failures"),
  ),

  // prom-client has metrics of the process too, but all or none of them, and under Bun some are
  // wrong. Its CPU time begins at the collector rather than at the process.
  counter(
    "process_cpu_seconds_total",
    "User and system CPU time of the process, all threads together.",
    ofProcess(cpuSeconds),
  ),
  gauge(
    "process_resident_memory_bytes",
    "Resident memory of the process.",
    ofProcess(() => process.memoryUsage.rss()),
  ),
  gauge(
    "process_start_time_seconds",
    "When the process started, since the Unix epoch.",
    ofProcess(() => performance.timeOrigin / 1000),
  ),
  ...(process.platform === "linux"
    ? [gauge("process_open_fds", "Open file descriptors.", ofProcess(openFiles))]
    : []),
];

function counter(name: string, help: string, reader: Reader): Metric {
  return { type: "counter", name, help, ...reader };
}

function gauge(name: string, help: string, reader: Reader): Metric {
  return { type: "gauge", name, help, ...reader };
}

function ofAll(count: "total_channels" | "total_subscriptions" | "accept_failures"): Reader {
  return { labelNames: [], read: ({ [count]: value }) => [{ labels: {}, value }] };
}

function perShard(count: ShardCount): Reader {
  return {
    labelNames: ["shard"],
    read: (stats) =>
      shardsOf(stats).map((counters, shard) => ({ labels: { shard }, value: counters[count] })),
  };
}

function perReason(reasons: Readonly<Record<string, ShardCount>>): Reader {
  const entries = Object.entries(reasons);
  return {
    labelNames: ["shard", "reason"],
    read: (stats) =>
      shardsOf(stats).flatMap((counters, shard) =>
        entries.map(([reason, count]) => ({ labels: { shard, reason }, value: counters[count] })),
      ),
  };
}

function perWorker(of: keyof WorkerStats): Reader {
  return {
    labelNames: ["shard", "worker"],
    read: (stats) =>
      shardsOf(stats).flatMap(({ per_worker }, shard) =>
        per_worker.map((stats, worker) => ({
          labels: { shard, worker },
          value: Number(stats[of]),
        })),
      ),
  };
}

function ofProcess(value: () => number): Reader {
  return { labelNames: [], read: () => [{ labels: {}, value: value() }] };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/**
 * Since Linux 6.2 the directory's size is the number of open files. Before that its entries are
 * counted, which takes longer with thousands of clients, and adds the directory itself.
 */
function openFiles(): number {
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length - 1;
}
