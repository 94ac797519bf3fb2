/** Workers between two looks: how busy they were, and whether one is stuck. */

import type { ShardCounters, WorkerStats } from "../../index";
import { isStuck } from "./alert-rules";
import type { ShardSnapshot, WorkerSnapshot } from "./snapshot";

/** What a worker's queue holds at most. */
export interface QueueLimits {
  queueMessages: number;
  queueBytes: number;
}

/**
 * Every worker of every shard.
 *
 * @param before the workers of all shards in one row, at the last look; none when there was none
 * @param seconds since the last look
 */
export function snapshotsOfShards(
  shards: readonly ShardCounters[],
  before: readonly WorkerStats[],
  seconds: number,
  limits: QueueLimits,
): ShardSnapshot[] {
  const earlier = before.values();
  return shards.map(({ clients, max_clients, per_worker }) => ({
    clients,
    limit: max_clients,
    workers: per_worker.map((worker) => {
      const { value } = earlier.next();
      return snapshotOf(worker, value, seconds, limits);
    }),
  }));
}

function snapshotOf(
  now: WorkerStats,
  before: WorkerStats | undefined,
  seconds: number,
  { queueMessages, queueBytes }: QueueLimits,
): WorkerSnapshot {
  const { clients, queue_messages: queue, queue_bytes, saturated } = now;
  const fill = Math.min(1, Math.max(queue / queueMessages, queue_bytes / queueBytes));
  const busy = before ? partBusy(now, before, seconds) : null;
  const stuck = before !== undefined && isStuck([now, before]);
  return { clients, busy, queue, fill, saturated, stuck };
}

function partBusy(now: WorkerStats, before: WorkerStats, seconds: number): number {
  return Math.min(1, Math.max(0, now.busy_seconds - before.busy_seconds) / seconds);
}
