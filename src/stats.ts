import type { WorkerCounters } from "./native";

/** What one worker of a shard is doing. */
export interface WorkerStats {
  /** Gauge: clients now. */
  clients: number;
  /** Gauge: published messages waiting in its queue. */
  queue_messages: number;
  /** Gauge: bytes of published messages waiting in its queue. */
  queue_bytes: number;
  /** Its queue is past the soft mark. */
  saturated: boolean;
  /** Times that its queue went past the soft mark. */
  saturations: number;
  /** Seconds that it was at work, and did not wait for something to do. */
  busy_seconds: number;
}

/** Counters of one shard since start, summed over its workers. Gauges are marked as such. */
export interface ShardCounters {
  /** Gauge: clients now. */
  clients: number;
  /** Gauge: worker threads. */
  workers: number;
  /** Gauge: clients that the shard admits at most. */
  max_clients: number;
  /** Gauge: clients whose socket refuses bytes now. */
  slow_clients: number;
  /** Gauge: workers whose queue is past its soft mark. */
  saturated_workers: number;
  /** Published messages taken from the queues. One that two workers took counts twice. */
  messages: number;
  /** Published messages that a worker's full queue did not take. */
  messages_queue_full: number;
  /** Published messages that were queued while the worker was saturated. */
  messages_saturated: number;
  /** Times that a worker's queue went past its soft mark. */
  saturations: number;
  /** Deliveries meant: each message once for each of its subscribers. */
  deliveries_meant: number;
  /** Deliveries made: the client's socket took the whole message. */
  deliveries: number;
  /** Gauge: deliveries meant that are neither made nor dropped yet. */
  deliveries_pending: number;
  /** Deliveries dropped because the client was disconnected for being slow. */
  dropped_slow: number;
  /** Deliveries that slow clients skipped. */
  dropped_skipped: number;
  /** Deliveries dropped because the client had closed. */
  dropped_closed: number;
  /** Deliveries dropped because a worker's queue was full. */
  dropped_queue_full: number;
  /** Clients that the app closed. */
  closed_by_app: number;
  /** Clients that closed of their own accord. */
  closed_by_client: number;
  /** Clients disconnected for being slow. */
  closed_slow: number;
  /** Clients disconnected because nothing was heard of them for too long. */
  closed_idle: number;
  /** Clients whose connection broke. */
  closed_broken: number;
  /** Clients disconnected because they broke the protocol or a limit. */
  closed_violation: number;
  /** Bytes written to sockets, frame headers included. */
  bytes_written: number;
  /** Writes to sockets. One write may carry many messages. */
  writes: number;
  /** Messages received from clients. */
  messages_received: number;
  /** Bytes of payload received from clients. */
  bytes_received: number;
  /** Gauge: published messages waiting in queues. */
  queue_messages: number;
  /** Gauge: bytes of published messages waiting in queues. */
  queue_bytes: number;
  /** Seconds that the workers were at work, and did not wait for something to do. */
  busy_seconds: number;
  /** The workers, in order. */
  per_worker: WorkerStats[];
}

/** Counters by shard: `shard_0`, `shard_1`, …, and the totals. */
export interface ShardStats {
  [shard: `shard_${number}`]: ShardCounters;
  total_clients: number;
  total_shards: number;
}

/** A shard of which nothing has been counted. */
export function noCounters(): ShardCounters {
  return {
    clients: 0,
    workers: 0,
    max_clients: 0,
    slow_clients: 0,
    saturated_workers: 0,
    messages: 0,
    messages_queue_full: 0,
    messages_saturated: 0,
    saturations: 0,
    deliveries_meant: 0,
    deliveries: 0,
    deliveries_pending: 0,
    dropped_slow: 0,
    dropped_skipped: 0,
    dropped_closed: 0,
    dropped_queue_full: 0,
    closed_by_app: 0,
    closed_by_client: 0,
    closed_slow: 0,
    closed_idle: 0,
    closed_broken: 0,
    closed_violation: 0,
    bytes_written: 0,
    writes: 0,
    messages_received: 0,
    bytes_received: 0,
    queue_messages: 0,
    queue_bytes: 0,
    busy_seconds: 0,
    per_worker: [],
  };
}

/** Puts shards under their names, in order, and adds the totals. */
export function shardStats(shards: readonly ShardCounters[]): ShardStats {
  const stats: ShardStats = {
    ...Object.fromEntries(shards.map((counters, shard) => [`shard_${shard}`, counters])),
    total_clients: 0,
    total_shards: shards.length,
  };
  for (const { clients } of shards) stats.total_clients += clients;
  return stats;
}

/** The shards, in order, out of their names. */
export function shardsOf(stats: ShardStats): ShardCounters[] {
  const shards = Array.from({ length: stats.total_shards }, (_, n) => stats[`shard_${n}`]);
  return shards.filter((shard) => shard !== undefined);
}

/** Sums the workers of each shard. */
export function sumByShard(workers: readonly WorkerCounters[], numShards: number): ShardCounters[] {
  const shards = Array.from({ length: numShards }, noCounters);
  for (const worker of workers) {
    const shard = shards[worker.shard];
    if (shard) addWorker(shard, worker);
  }
  return shards;
}

function addWorker(shard: ShardCounters, worker: WorkerCounters): void {
  shard.workers += 1;
  shard.clients += worker.clients;
  shard.messages += worker.messages;
  shard.deliveries_meant += worker.deliveriesMeant;
  shard.deliveries += worker.deliveries;
  shard.dropped_slow += worker.droppedSlow;
  shard.dropped_skipped += worker.droppedSkipped;
  shard.dropped_closed += worker.droppedClosed;
  shard.dropped_queue_full += worker.droppedQueueFull;
  shard.messages_queue_full += worker.messagesQueueFull;
  shard.closed_slow += worker.slowClosed;
  shard.bytes_written += worker.bytesWritten;
  shard.writes += worker.writes;
  shard.messages_received += worker.messagesReceived;
  shard.bytes_received += worker.bytesReceived;
  shard.queue_messages += worker.queueMessages;
  shard.queue_bytes += worker.queueBytes;
}
