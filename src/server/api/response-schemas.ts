/** What the routes of the ready-made server answer with, each schema checked against its type. */

import {
  type ChannelStats,
  DEPARTURE_REASONS,
  type DeliveryCounts,
  type Departure,
  type DroppedMessages,
  type PublishResult,
  type Reconciliation,
  type ShardCounters,
  type ShardStats,
  type SlowClient,
  shardsOf,
  type WorkerStats,
} from "../../index";
import { COUNT, count, FLAG, list, NAME, object } from "./json-schema";

const SECONDS = { type: "number", minimum: 0 } as const;

export const PUBLISH_RESULT = object<PublishResult>({
  subscribers: count("Clients that are subscribed to the channel."),
  shards: count("Shards of which every worker with a subscriber took it."),
  dropped: count("Workers that dropped it because their queue was full."),
  saturated: count("Workers that have it late: their queue is past its soft mark."),
});

/** Of `/healthz` and `/readyz`. */
export function status(...states: string[]) {
  return object<{ status: string }>({ status: { type: "string" as const, enum: states } });
}

const DROPPED = object<DroppedMessages>({
  slow: COUNT,
  skipped: COUNT,
  closed: COUNT,
  queueFull: COUNT,
});

const DELIVERY_COUNTS = object<DeliveryCounts>({
  expected: COUNT,
  delivered: COUNT,
  dropped: DROPPED,
  pending: COUNT,
});

export const RECONCILIATION = object<Reconciliation>({
  clients: DELIVERY_COUNTS,
  shards: DELIVERY_COUNTS,
});

export const SLOW_CLIENTS = list(
  object<Required<SlowClient>>(
    {
      id: NAME,
      shard: COUNT,
      worker: COUNT,
      address: NAME,
      lagMessages: COUNT,
      lagBytes: COUNT,
      deliveryCounts: DELIVERY_COUNTS,
    },
    ["lagMessages", "deliveryCounts"],
  ),
);

export const CHANNELS = list(
  object<ChannelStats>({ channel: NAME, subscribers: COUNT, published: COUNT }),
);

export const DEPARTURES = list(
  object<Required<Departure>>(
    {
      id: NAME,
      shard: COUNT,
      worker: COUNT,
      address: NAME,
      reason: { type: "string", enum: DEPARTURE_REASONS },
      code: COUNT,
      detail: NAME,
      lagMessages: COUNT,
      lagBytes: COUNT,
      at: { type: "string", format: "date-time" },
    },
    ["lagMessages", "lagBytes"],
  ),
);

const WORKER = object<WorkerStats>({
  clients: COUNT,
  queue_messages: COUNT,
  queue_bytes: COUNT,
  saturated: FLAG,
  saturations: COUNT,
  busy_seconds: SECONDS,
  failures: COUNT,
});

/**
 * Of `/stats`.
 *
 * @param stats which counts there are is read from these
 */
export function statsSchema(stats: ShardStats) {
  const [shard = {}] = shardsOf(stats);
  const totals = Object.keys(stats).filter((key) => !key.startsWith("shard_"));
  const special = { busy_seconds: SECONDS, per_worker: list(WORKER) };
  return {
    ...object<Record<string, number>>(countsOf(totals)),
    additionalProperties: object<Pick<ShardCounters, keyof typeof special>>({
      ...countsOf(Object.keys(shard)),
      ...special,
    }),
    description: "`shard_0`, `shard_1`, … and the totals.",
  };
}

function countsOf(keys: readonly string[]): Record<string, object> {
  return Object.fromEntries(keys.map((key) => [key, COUNT]));
}
