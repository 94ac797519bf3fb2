import { readdirSync, statSync } from "node:fs";

import { STATS_FIGURES, type StatsFigure } from "./counters";
import { type ShardStats, shardsOf } from "./stats";

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

/** Something that has figures: each shard, each worker, or all together. */
interface Place {
  labelNames: readonly string[];
  read(stats: ShardStats): { labels: Sample["labels"]; figures: object }[];
}

const ALL: Place = {
  labelNames: [],
  read: (stats) => [{ labels: {}, figures: stats }],
};

const SHARDS: Place = {
  labelNames: ["shard"],
  read: (stats) =>
    shardsOf(stats).map((counters, shard) => ({ labels: { shard }, figures: counters })),
};

const WORKERS: Place = {
  labelNames: ["shard", "worker"],
  read: (stats) =>
    shardsOf(stats).flatMap(({ per_worker }, shard) =>
      per_worker.map((worker, n) => ({ labels: { shard, worker: n }, figures: worker })),
    ),
};

const OPEN_FILES: Metric = {
  type: "gauge",
  name: "process_open_fds",
  help: "Open file descriptors.",
  ...ofProcess(openFiles),
};

/**
 * Every metric. What a query can add up, such as the queues of a shard out of those of its workers,
 * is not here a second time.
 */
export const METRICS: readonly Metric[] = [
  ...metricsOf(SHARDS, STATS_FIGURES.shard),
  ...metricsOf(ALL, STATS_FIGURES.total),
  ...metricsOf(WORKERS, STATS_FIGURES.worker),
  // prom-client has metrics of the process too, but all or none of them, and under Bun some are
  // wrong. Its CPU time begins at the collector rather than at the process.
  {
    type: "counter",
    name: "process_cpu_seconds_total",
    help: "User and system CPU time of the process, all threads together.",
    ...ofProcess(cpuSeconds),
  },
  {
    type: "gauge",
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    ...ofProcess(() => process.memoryUsage.rss()),
  },
  {
    type: "gauge",
    name: "process_start_time_seconds",
    help: "When the process started, since the Unix epoch.",
    ...ofProcess(() => performance.timeOrigin / 1000),
  },
  ...(process.platform === "linux" ? [OPEN_FILES] : []),
];

/** The metrics that show these figures. Figures that tell reasons apart share one. */
function metricsOf(place: Place, figures: Readonly<Record<string, StatsFigure>>): Metric[] {
  const named = Object.entries(figures).map(([stat, figure]) => ({ stat, ...figure }));
  const byMetric = Map.groupBy(named, ({ metric, partOf }) => metric ?? partOf?.name);
  return [...byMetric].flatMap(([name, parts]) =>
    name === undefined ? [] : [metricOf(place, name, parts)],
  );
}

function metricOf(place: Place, name: string, parts: (StatsFigure & { stat: string })[]): Metric {
  const { kind: type, help, partOf } = parts[0] as StatsFigure;
  return {
    type,
    name,
    help: partOf?.help ?? help,
    labelNames: partOf ? [...place.labelNames, "reason"] : place.labelNames,
    read: (stats) =>
      place.read(stats).flatMap(({ labels, figures }) =>
        parts.map(({ stat, reason }) => ({
          labels: reason === undefined ? labels : { ...labels, reason },
          value: Number(Reflect.get(figures, stat)),
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
