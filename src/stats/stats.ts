import type { ChannelTotals, WorkerCounters } from "../sharded/native";
import { noFailures } from "../sharded/run-counts";
import { refusedUpgrades } from "../upgrades/refused-upgrades";
import {
  CORE_ROWS,
  DROPPED,
  type ShardFigure,
  STATS_FIGURES,
  type TotalFigure,
  type WorkerFigure,
} from "./counters";

/** Figures of one worker of a shard. `STATS_FIGURES.worker` describes each figure. */
export interface WorkerStats extends Record<Exclude<WorkerFigure, "saturated">, number> {
  /** Whether its queue is past its soft limit now. */
  saturated: boolean;
}

/**
 * Counters of one shard since the start, and its gauges now. `STATS_FIGURES.shard` describes each
 * figure.
 */
export interface ShardCounters extends Record<ShardFigure, number> {
  /** Its workers, in order. */
  per_worker: WorkerStats[];
}

/**
 * Counters by shard: `shard_0`, `shard_1`, …, and the totals. `STATS_FIGURES.total` describes each
 * of the totals.
 */
export interface ShardStats extends Record<TotalFigure, number> {
  [shard: `shard_${number}`]: ShardCounters;
}

/** The totals of channels without any channel. */
export const NO_CHANNELS: Readonly<ChannelTotals> = { channels: 0, subscriptions: 0 };

/** A shard of which nothing has been counted. */
export function noCounters(): ShardCounters {
  const zeros = Object.keys(STATS_FIGURES.shard).map((name) => [name, 0]);
  return { ...(Object.fromEntries(zeros) as Record<ShardFigure, number>), per_worker: [] };
}

/** Puts shards under their names, in order, and adds the totals. */
export function shardStats(
  shards: readonly ShardCounters[],
  {
    published = 0,
    channelTotals = NO_CHANNELS,
    acceptFailures = 0,
    refused = refusedUpgrades(),
    requestFailures = noFailures(),
  } = {},
): ShardStats {
  const stats: ShardStats = {
    ...Object.fromEntries(shards.map((counters, shard) => [`shard_${shard}`, counters])),
    total_clients: 0,
    total_shards: shards.length,
    total_published: published,
    total_channels: channelTotals.channels,
    total_subscriptions: channelTotals.subscriptions,
    accept_failures: acceptFailures,
    ...refused,
    ...requestFailures,
  };
  for (const { clients } of shards) stats.total_clients += clients;
  return stats;
}

/** The shards, in order, out of their names. */
export function shardsOf(stats: ShardStats): ShardCounters[] {
  const shards = Array.from({ length: stats.total_shards }, (_, n) => stats[`shard_${n}`]);
  return shards.filter((shard) => shard !== undefined);
}

/**
 * Sums the workers of each shard.
 *
 * @param workers as the core counts them; none before it has started
 */
export function sumByShard(
  workers: readonly WorkerCounters[],
  { numShards, maxClients }: { numShards: number; maxClients: number },
): ShardCounters[] {
  const shards = Array.from({ length: numShards }, () => ({
    ...noCounters(),
    max_clients: maxClients,
  }));
  for (const worker of workers) {
    const shard = shards[worker.shard];
    if (shard) addWorker(shard, worker);
  }
  return shards;
}

function addWorker(sum: ShardCounters, counters: WorkerCounters): void {
  const stats: Partial<Record<WorkerFigure, number>> = {};
  let pending = counters.deliveriesExpected - counters.deliveries;
  for (const { name, shard, worker, per = 1, partOf } of CORE_ROWS) {
    const figure = counters[name] / per;
    if (shard) sum[shard] += figure;
    if (worker) stats[worker] = figure;
    if (partOf === DROPPED) pending -= figure;
  }
  sum.workers += 1;
  // The counters are of one turn of the worker's, or nearly.
  sum.deliveries_pending += Math.max(0, pending);
  const saturated = counters.saturated > 0;
  sum.per_worker.push({ ...(stats as Record<WorkerFigure, number>), saturated });
}
