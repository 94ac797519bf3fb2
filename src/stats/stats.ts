import type { ChannelTotals, WorkerCounters } from "../sharded/native";
import { noFailures, type RequestFailures } from "../sharded/run-counts";
import { type RefusedUpgrades, refusedUpgrades } from "../upgrades/refused-upgrades";

/** What one worker of a shard does. */
export interface WorkerStats {
  /** Gauge: clients now. */
  clients: number;
  /** Gauge: published messages waiting in its queue. */
  queue_messages: number;
  /** Gauge: their bytes. */
  queue_bytes: number;
  /** Its queue is past its soft mark now. */
  saturated: boolean;
  /** How often its queue got there. */
  saturations: number;
  /** Time that its thread was awake. Its rate is the worker's utilization, from 0 to 1. */
  busy_seconds: number;
  /** How often it has failed (a fault of shardcast's), closed its clients and begun anew. */
  failures: number;
}

/** Counters of one shard since start, summed over its workers. Gauges are marked as such. */
export interface ShardCounters {
  /** Gauge: clients now. */
  clients: number;
  /** Gauge: worker threads. */
  workers: number;
  /** Gauge: clients that it may have. */
  max_clients: number;
  /** Gauge: clients whose socket refuses bytes now. */
  slow_clients: number;
  /** Gauge: workers whose queue is past its soft mark now. */
  saturated_workers: number;
  /** Published messages taken from the queues. One that two workers took counts twice. */
  messages: number;
  /** Published messages that a worker's full queue did not take. */
  messages_queue_full: number;
  /** Published messages queued for a worker while it was saturated. */
  messages_saturated: number;
  /** How often a worker became saturated. */
  saturations: number;
  /** Deliveries expected: each message once for each of its subscribers, and each direct one. */
  deliveries_expected: number;
  /** Deliveries made: the client's socket took the whole message. */
  deliveries: number;
  /** Gauge: deliveries that wait for a client's socket. */
  deliveries_pending: number;
  /** Deliveries dropped because the client was disconnected for being slow. */
  dropped_slow: number;
  /** Deliveries that slow clients skipped. */
  dropped_skipped: number;
  /** Deliveries dropped because the client had closed. */
  dropped_closed: number;
  /** Deliveries dropped because a worker's queue was full. */
  dropped_queue_full: number;
  /** Clients that the application closed, or a shutdown. */
  closed_by_app: number;
  /** Clients that closed by themselves, with a handshake. */
  closed_by_client: number;
  /** Clients disconnected for being slow. */
  closed_slow: number;
  /** Clients given up for their silence. */
  closed_idle: number;
  /** Clients whose connection ended or broke without a closing handshake. */
  closed_broken: number;
  /** Clients closed because they broke the protocol. */
  closed_violation: number;
  /**
   * Clients closed for a message that was not complete in time, or too large to keep until then.
   */
  closed_unfinished: number;
  /** Clients closed because their worker has failed. */
  closed_failed: number;
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
  /** Time that its workers' threads were awake, in sum. */
  busy_seconds: number;
  /** Its workers, in order. */
  per_worker: WorkerStats[];
}

/** Counters by shard: `shard_0`, `shard_1`, …, and the totals. */
export interface ShardStats extends RefusedUpgrades, RequestFailures {
  [shard: `shard_${number}`]: ShardCounters;
  total_clients: number;
  total_shards: number;
  /** Messages published to somebody since the start, each once. */
  total_published: number;
  /** Gauge: channels that have subscribers. */
  total_channels: number;
  /** Gauge: clients that are subscribed, each once for each of its channels. */
  total_subscriptions: number;
  /** How often the system had no descriptor or memory for a connection, which then had to wait. */
  accept_failures: number;
}

/** All channels together, where none are known. */
export const NO_CHANNELS: Readonly<ChannelTotals> = { channels: 0, subscriptions: 0 };

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
    deliveries_expected: 0,
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
    closed_unfinished: 0,
    closed_failed: 0,
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

function addWorker(shard: ShardCounters, worker: WorkerCounters): void {
  shard.workers += 1;
  shard.clients += worker.clients;
  shard.slow_clients += worker.slowClients;
  shard.saturated_workers += worker.saturated;
  shard.messages += worker.messages;
  shard.messages_queue_full += worker.messagesQueueFull;
  shard.messages_saturated += worker.messagesSaturated;
  shard.saturations += worker.saturations;
  shard.deliveries_expected += worker.deliveriesExpected;
  shard.deliveries += worker.deliveries;
  shard.deliveries_pending += pending(worker);
  shard.dropped_slow += worker.droppedSlow;
  shard.dropped_skipped += worker.droppedSkipped;
  shard.dropped_closed += worker.droppedClosed;
  shard.dropped_queue_full += worker.droppedQueueFull;
  shard.closed_by_app += worker.closedByApp;
  shard.closed_by_client += worker.closedByClient;
  shard.closed_slow += worker.closedSlow;
  shard.closed_idle += worker.closedIdle;
  shard.closed_broken += worker.closedBroken;
  shard.closed_violation += worker.closedViolation;
  shard.closed_unfinished += worker.closedUnfinished;
  shard.closed_failed += worker.closedFailed;
  shard.bytes_written += worker.bytesWritten;
  shard.writes += worker.writes;
  shard.messages_received += worker.messagesReceived;
  shard.bytes_received += worker.bytesReceived;
  shard.queue_messages += worker.queueMessages;
  shard.queue_bytes += worker.queueBytes;
  shard.busy_seconds += seconds(worker);
  shard.per_worker.push(workerStats(worker));
}

/**
 * What is neither delivered nor dropped. The counters are of one turn of the worker's, or nearly.
 */
function pending(worker: WorkerCounters): number {
  const dropped =
    worker.droppedSlow + worker.droppedSkipped + worker.droppedClosed + worker.droppedQueueFull;
  return Math.max(0, worker.deliveriesExpected - worker.deliveries - dropped);
}

function workerStats(worker: WorkerCounters): WorkerStats {
  return {
    clients: worker.clients,
    queue_messages: worker.queueMessages,
    queue_bytes: worker.queueBytes,
    saturated: worker.saturated > 0,
    saturations: worker.saturations,
    busy_seconds: seconds(worker),
    failures: worker.failures,
  };
}

function seconds({ busyNs }: WorkerCounters): number {
  return busyNs / 1e9;
}
