/**
 * Everything that is counted, with its public names. The stats, the metrics and the descriptions of
 * both are made from these tables, and from nothing else.
 */

import type { FailureKind, RefusedAtDoor, WorkerCounters } from "../sharded/native";

/** What a figure of the stats is. */
export interface StatsFigure {
  /** A counter only grows, from 0 at the start; a gauge is of now. */
  readonly kind: "counter" | "gauge";
  readonly help: string;
  /** A figure without one is a number of things. */
  readonly unit?: "seconds";
  /** The metric that shows it, where one does. */
  readonly metric?: string;
  /** The metric that it is a part of, and its reason there. */
  readonly partOf?: MetricByReason;
  readonly reason?: string;
}

/** A metric of several figures, which it tells apart by their reasons. */
export interface MetricByReason {
  readonly name: string;
  readonly help: string;
}

/** Where a figure of the core is shown. */
interface Shown extends Omit<StatsFigure, "kind" | "help"> {
  /** Its name in the stats of a shard, which sum up the workers. Its `metric` is of shards. */
  readonly shard?: string;
  /** Its name in the stats of each worker. */
  readonly worker?: string;
  readonly workerMetric?: string;
  /** What it is of one worker, where `help` does not say so. */
  readonly workerHelp?: string;
  /** What the core counts for 1. */
  readonly per?: number;
}

/** A figure of the core, by the name that the addon gives it. */
export type CoreFigure = Exclude<keyof WorkerCounters, "shard" | "worker">;

const CLOSED: MetricByReason = {
  name: "shardcast_clients_closed_total",
  help: "Clients that left, by reason.",
};
export const DROPPED: MetricByReason = {
  name: "shardcast_deliveries_dropped_total",
  help: "Expected deliveries that were not made, by reason.",
};
const REFUSED: MetricByReason = {
  name: "shardcast_upgrades_refused_total",
  help: "WebSocket upgrades that were refused, by reason.",
};
const FAILED: MetricByReason = {
  name: "shardcast_http_requests_failed_total",
  help: "Plain HTTP requests that got no answer from the app, by reason.",
};

/** All that the core counts for each worker. The compiler refuses a table that lacks one. */
export const CORE_FIGURES = {
  clients: gauge("Clients now.", {
    shard: "clients",
    metric: "shardcast_clients",
    worker: "clients",
    workerMetric: "shardcast_worker_clients",
  }),
  slowClients: gauge("Clients whose socket refuses bytes now.", {
    shard: "slow_clients",
    metric: "shardcast_slow_clients",
  }),
  saturated: gauge("Workers whose queue is past its soft limit now.", {
    shard: "saturated_workers",
    worker: "saturated",
    workerMetric: "shardcast_worker_saturated",
    workerHelp: "1 while the queue of the worker is past its soft limit, otherwise 0.",
  }),
  messages: counter(
    "Published messages taken from the queues of workers, each once for each worker.",
    { shard: "messages", metric: "shardcast_messages_total" },
  ),
  messagesQueueFull: counter("Published messages that the full queue of a worker refused.", {
    shard: "messages_queue_full",
    metric: "shardcast_messages_dropped_total",
  }),
  messagesSaturated: counter("Published messages queued while the worker was saturated.", {
    shard: "messages_saturated",
    metric: "shardcast_messages_saturated_total",
  }),
  saturations: counter("Times that the queue of a worker exceeded its soft limit.", {
    shard: "saturations",
    worker: "saturations",
    workerMetric: "shardcast_worker_saturations_total",
  }),
  deliveriesExpected: counter(
    "Deliveries expected: each message once for each of its subscribers, and each direct one.",
    { shard: "deliveries_expected", metric: "shardcast_deliveries_expected_total" },
  ),
  deliveries: counter("Deliveries made: the socket of the client accepted the whole message.", {
    shard: "deliveries",
    metric: "shardcast_deliveries_total",
  }),
  droppedSlow: counter(
    "Deliveries dropped because the client was too slow and was disconnected.",
    partOf(DROPPED, "slow", "dropped_slow"),
  ),
  droppedSkipped: counter(
    "Deliveries that slow clients skipped.",
    partOf(DROPPED, "skipped", "dropped_skipped"),
  ),
  droppedClosed: counter(
    "Deliveries dropped because the client had closed.",
    partOf(DROPPED, "closed", "dropped_closed"),
  ),
  droppedQueueFull: counter(
    "Deliveries dropped because the queue of a worker was full.",
    partOf(DROPPED, "queue_full", "dropped_queue_full"),
  ),
  closedByApp: counter(
    "Clients that the application closed, or a shutdown.",
    partOf(CLOSED, "app", "closed_by_app"),
  ),
  closedByClient: counter(
    "Clients that closed the connection with a handshake.",
    partOf(CLOSED, "client", "closed_by_client"),
  ),
  closedSlow: counter(
    "Clients disconnected because they were too slow.",
    partOf(CLOSED, "slow", "closed_slow"),
  ),
  closedIdle: counter(
    "Clients disconnected because they were silent.",
    partOf(CLOSED, "idle", "closed_idle"),
  ),
  closedBroken: counter(
    "Clients whose connection ended or broke without a closing handshake.",
    partOf(CLOSED, "broken", "closed_broken"),
  ),
  closedViolation: counter(
    "Clients closed because they broke the protocol.",
    partOf(CLOSED, "violation", "closed_violation"),
  ),
  closedUnfinished: counter(
    "Clients closed for a message that was not complete in time, or too large to keep until then.",
    partOf(CLOSED, "unfinished", "closed_unfinished"),
  ),
  closedFailed: counter(
    "Clients closed because their worker failed.",
    partOf(CLOSED, "failed", "closed_failed"),
  ),
  bytesWritten: counter("Bytes written to sockets, frame headers included.", {
    shard: "bytes_written",
    metric: "shardcast_written_bytes_total",
  }),
  writes: counter("Writes to sockets. One write can carry many messages.", {
    shard: "writes",
    metric: "shardcast_writes_total",
  }),
  messagesReceived: counter("Messages received from clients.", {
    shard: "messages_received",
    metric: "shardcast_received_messages_total",
  }),
  bytesReceived: counter("Bytes of payload received from clients.", {
    shard: "bytes_received",
    metric: "shardcast_received_bytes_total",
  }),
  queueMessages: gauge("Published messages waiting in the queues of workers.", {
    shard: "queue_messages",
    worker: "queue_messages",
    workerMetric: "shardcast_worker_queue_messages",
  }),
  queueBytes: gauge("Bytes of published messages waiting in the queues of workers.", {
    shard: "queue_bytes",
    worker: "queue_bytes",
    workerMetric: "shardcast_worker_queue_bytes",
  }),
  busyNs: counter("Seconds that workers were busy, and not waiting for work.", {
    shard: "busy_seconds",
    worker: "busy_seconds",
    workerMetric: "shardcast_worker_busy_seconds_total",
    unit: "seconds",
    per: 1e9,
  }),
  failures: counter("Times that a worker failed, closed its clients and restarted.", {
    worker: "failures",
    workerMetric: "shardcast_worker_failures_total",
  }),
} satisfies Record<CoreFigure, StatsFigure & Shown>;

/** What of a shard the core does not count. */
export const SHARD_FIGURES = {
  workers: gauge("Worker threads.", { metric: "shardcast_workers" }),
  max_clients: gauge("Most clients that a shard accepts.", { metric: "shardcast_clients_limit" }),
  deliveries_pending: gauge("Expected deliveries that are neither made nor dropped yet.", {
    metric: "shardcast_deliveries_pending",
  }),
} satisfies Record<string, StatsFigure>;

/** Figures of all shards together. */
export const TOTAL_FIGURES = {
  total_clients: gauge("Clients now.", {}),
  total_shards: gauge("Shards.", {}),
  total_published: counter("Messages published with a subscriber since the start, each once.", {}),
  total_channels: gauge("Channels that have subscribers.", { metric: "shardcast_channels" }),
  total_subscriptions: gauge("Subscriptions: each client counts once for each of its channels.", {
    metric: "shardcast_subscriptions",
  }),
  accept_failures: counter(
    "Times that a connection had to wait because the system had no descriptor or memory for it.",
    { metric: "shardcast_accept_failures_total" },
  ),
} satisfies Record<string, StatsFigure>;

/** Upgrades that were answered with something else than a WebSocket, by reason. */
export const REFUSALS = {
  app: "The app answered with a status of its own, or with an error.",
  full: "The shard of the client already had `maxClients` clients.",
  draining: "The server was shutting down.",
  malformed: "The request was not a correct RFC 6455 handshake.",
  busy: "`maxPendingUpgrades` waited for the decision of the app already.",
  undecided: "The app did not decide within `upgradeTimeoutMs`.",
} satisfies Record<keyof RefusedAtDoor, string> & Record<string, string>;

/** Requests of plain HTTP that the app has not answered, by how that came. */
export const REQUEST_FAILURES = {
  busy: "`maxHttpRequests` were under way, or the process had too few files left: 503.",
  unreachable: "The app accepted no connection: 502.",
  unusable: "The answer of the app could not be passed on: 502.",
  broken: "The app ended its connection before the end of the answer.",
} satisfies Record<FailureKind, string>;

export type Refusal = keyof typeof REFUSALS;

/** The names of what the stats have of each shard, of each worker, and of all together. */
export type ShardFigure = InShard["shard"] | keyof typeof SHARD_FIGURES;
export type WorkerFigure = InWorker["worker"];
export type TotalFigure =
  | keyof typeof TOTAL_FIGURES
  | `refused_${Refusal}`
  | `requests_${FailureKind}`;

type Row = (typeof CORE_FIGURES)[keyof typeof CORE_FIGURES];
type InShard = Extract<Row, { shard: string }>;
type InWorker = Extract<Row, { worker: string }>;

/** The core's figures, each with its names. */
export const CORE_ROWS = Object.entries(CORE_FIGURES).map(
  ([name, row]) => ({ ...row, name }) as CoreRow,
);

interface CoreRow extends StatsFigure {
  readonly name: CoreFigure;
  readonly shard?: InShard["shard"];
  readonly worker?: WorkerFigure;
  readonly workerMetric?: string;
  readonly workerHelp?: string;
  readonly per?: number;
}

/**
 * What each figure of `stats()` is: of a shard (`shard_0`, …), of a worker (`per_worker`), and of
 * all shards together. For those who show the stats, or describe them.
 */
export const STATS_FIGURES: {
  readonly shard: Readonly<Record<ShardFigure, StatsFigure>>;
  readonly worker: Readonly<Record<WorkerFigure, StatsFigure>>;
  readonly total: Readonly<Record<TotalFigure, StatsFigure>>;
} = {
  shard: { ...inShard(), ...SHARD_FIGURES } as Record<ShardFigure, StatsFigure>,
  worker: inWorker() as Record<WorkerFigure, StatsFigure>,
  total: {
    ...TOTAL_FIGURES,
    ...byReason(REFUSED, "refused", REFUSALS),
    ...byReason(FAILED, "requests", REQUEST_FAILURES),
  } as Record<TotalFigure, StatsFigure>,
};

function counter<const Where extends Shown>(help: string, where: Where) {
  return { kind: "counter" as const, help, ...where };
}

function gauge<const Where extends Shown>(help: string, where: Where) {
  return { kind: "gauge" as const, help, ...where };
}

function partOf<const Shard extends string>(metric: MetricByReason, reason: string, shard: Shard) {
  return { partOf: metric, reason, shard };
}

function inShard(): Record<string, StatsFigure> {
  return Object.fromEntries(CORE_ROWS.flatMap((row) => (row.shard ? [[row.shard, row]] : [])));
}

function inWorker(): Record<string, StatsFigure> {
  const rows = CORE_ROWS.flatMap(({ worker, workerMetric, workerHelp, ...row }) => {
    const figure = { ...row, help: workerHelp ?? row.help };
    return worker && workerMetric ? [[worker, { ...figure, metric: workerMetric }]] : [];
  });
  return Object.fromEntries(rows);
}

function byReason(metric: MetricByReason, prefix: string, reasons: Record<string, string>) {
  const figures = Object.entries(reasons).map(([reason, help]) => {
    return [`${prefix}_${reason}`, { kind: "counter", help, partOf: metric, reason }];
  });
  return Object.fromEntries(figures) as Record<string, StatsFigure>;
}
