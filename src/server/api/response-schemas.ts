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
  type SlowClient,
  STATS_FIGURES,
  type StatsFigure,
  type TotalFigure,
  type WorkerStats,
} from "../../index";
import { COUNT, count, FLAG, list, NAME, object } from "./json-schema";

const SECONDS = { type: "number", minimum: 0 } as const;

export const PUBLISH_RESULT = object<PublishResult>({
  subscribers: count("Clients that are subscribed to the channel."),
  shards: count("Shards of which every worker with a subscriber took it."),
  dropped: count("Workers that dropped it because their queue was full."),
  saturated: count("Workers that have it late: their queue is past its soft limit."),
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
  ...schemasOf(STATS_FIGURES.worker),
  saturated: { ...FLAG, description: "Its queue is past its soft limit now." },
});

export const STATS = {
  ...object<Record<TotalFigure, number>>(schemasOf(STATS_FIGURES.total)),
  additionalProperties: object<ShardCounters>({
    ...schemasOf(STATS_FIGURES.shard),
    per_worker: list(WORKER),
  }),
  description: "`shard_0`, `shard_1`, … and the totals.",
};

function schemasOf<Name extends string>(figures: Readonly<Record<Name, StatsFigure>>) {
  const schemas = Object.entries<StatsFigure>(figures).map(([name, { help, unit }]) => {
    return [name, { ...(unit === "seconds" ? SECONDS : COUNT), description: help }];
  });
  return Object.fromEntries(schemas) as Record<Name, object>;
}
