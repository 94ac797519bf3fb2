/**
 * When an operator has to look. One table for both: Prometheus, whose rules `bun run docs` writes
 * from it, and the live page, whose verdict has the same thresholds.
 */

import {
  type DeliveryTimes,
  type Departure,
  type DepartureReason,
  deliveryPercentile,
  deliveryTimesSince,
  type ShardCounters,
  type ShardFigure,
  type ShardStats,
  shardsOf,
  type WorkerStats,
} from "../../index";

/** `page`: look at once. `ticket`: look in working hours. */
export type Severity = "page" | "ticket";

/** One look at a broadcaster. */
export interface Reading {
  stats: ShardStats;
  times: DeliveryTimes | undefined;
}

/** The readings of the time that is judged. */
export interface Recent {
  now: Reading;
  /** At the beginning of that time. */
  before: Reading;
  /** Since then; 0 at the first look. */
  seconds: number;
  /** A second ago, at most. */
  last: Reading;
  /** Departures of that time, and of the last minutes before the page was open. */
  departures: readonly Pick<Departure, "reason">[];
}

/** Holds where its figure is above its threshold. */
export interface AlertRule {
  name: `Shardcast${string}`;
  severity: Severity;
  summary: string;
  /** The figure in PromQL. */
  expr: string;
  above: number;
  /** How long it has to hold for Prometheus. The page does not wait. */
  for?: string;
  /** The figure from the readings of the server. NaN where it is unknown. */
  figure: (recent: Recent) => number;
  /** The figure for people. */
  format: (figure: number) => string;
}

export const ALERT_RULES: readonly AlertRule[] = [
  {
    name: "ShardcastDropsForFullQueues",
    severity: "page",
    summary: "Workers cannot keep up, and drop messages for all of their subscribers.",
    expr: 'sum by (instance) (rate(shardcast_deliveries_dropped_total{reason="queue_full"}[5m]))',
    above: 0,
    for: "1m",
    figure: (recent) => grown(recent, "dropped_queue_full") / recent.seconds,
    format: (rate) => `${rough(rate)} deliveries a second`,
  },
  {
    name: "ShardcastWorkerStuck",
    severity: "page",
    summary: "Messages wait in a worker's queue, and it takes none.",
    expr: "shardcast_worker_queue_messages and rate(shardcast_worker_busy_seconds_total[1m]) == 0",
    above: 0,
    for: "1m",
    figure: ({ now, last }) => most(pairs(now, last), queueOfStuck),
    format: (messages) => `${rough(messages)} messages wait`,
  },
  {
    name: "ShardcastWorkerFailed",
    severity: "page",
    summary:
      "A worker failed and closed its clients, because of a bug in shardcast. Please report the error in the log.",
    expr: "sum by (instance) (increase(shardcast_worker_failures_total[15m]))",
    above: 0,
    figure: (recent) =>
      Math.max(
        sum(pairs(recent.now, recent.before), failures),
        Math.min(1, gone(recent, "failed")),
      ),
    format: (times) => (times > 1 ? `${rough(times)} times` : "once"),
  },
  {
    name: "ShardcastOutOfFiles",
    severity: "page",
    summary: "The system gives the process no more files, and new clients hang.",
    expr: "sum by (instance) (increase(shardcast_accept_failures_total[5m]))",
    above: 0,
    figure: ({ now, before }) => now.stats.accept_failures - before.stats.accept_failures,
    format: (times) => `${rough(times)} times`,
  },
  {
    name: "ShardcastClientsDisconnected",
    severity: "ticket",
    summary: "More than 1 % of the clients were disconnected because they were slow.",
    expr:
      'sum by (instance) (increase(shardcast_clients_closed_total{reason="slow"}[5m]))\n' +
      "  / sum by (instance) (shardcast_clients)",
    above: 0.01,
    figure: (recent) =>
      Math.max(grown(recent, "closed_slow"), gone(recent, "slow")) / total(recent.now, "clients"),
    format: (part) =>
      part < 1 ? `${percent(part)} of the clients` : "as many as are left, or more",
  },
  {
    name: "ShardcastSlowClients",
    severity: "ticket",
    summary: "More than 1 % of the deliveries are lost to slow clients.",
    expr:
      'sum by (instance) (rate(shardcast_deliveries_dropped_total{reason=~"slow|skipped"}[5m]))\n' +
      "  / sum by (instance) (rate(shardcast_deliveries_expected_total[5m]))",
    above: 0.01,
    for: "10m",
    figure: (recent) =>
      (grown(recent, "dropped_slow") + grown(recent, "dropped_skipped")) /
      grown(recent, "deliveries_expected"),
    format: (part) => `${percent(part)} of the deliveries`,
  },
  {
    name: "ShardcastSlowDelivery",
    severity: "ticket",
    summary: "The slowest 1 % of the messages take more than a second.",
    expr: "histogram_quantile(0.99, sum by (instance, le) (rate(shardcast_delivery_seconds_bucket[5m])))",
    above: 1,
    for: "5m",
    figure: ({ now, before }) => {
      const times = deliveryTimesSince(now.times, before.times);
      return (times && deliveryPercentile(times, 99)) ?? Number.NaN;
    },
    format: (seconds) => `p99 ${rough(seconds)} s`,
  },
  {
    name: "ShardcastWorkerBusy",
    severity: "ticket",
    summary: "A worker is busy nearly all of the time.",
    expr: "max by (instance) (rate(shardcast_worker_busy_seconds_total[5m]))",
    above: 0.9,
    for: "5m",
    figure: ({ now, before, seconds }) => most(pairs(now, before), busy) / seconds,
    format: (part) => `${percent(Math.min(1, part))} busy`,
  },
  {
    name: "ShardcastWorkerSaturated",
    severity: "ticket",
    summary: "A worker falls behind, and its messages are late.",
    expr: "sum by (instance) (shardcast_worker_saturated)",
    above: 0,
    for: "1m",
    figure: ({ now }) => total(now, "saturated_workers"),
    format: (workers) => (workers > 1 ? `${rough(workers)} workers` : "1 worker"),
  },
  {
    name: "ShardcastShardNearlyFull",
    severity: "ticket",
    summary: "A shard has nearly reached its limit of clients; further clients get 503.",
    // Without sharding there is no limit, which shows as 0.
    expr: "shardcast_clients / (shardcast_clients_limit > 0)",
    above: 0.9,
    for: "5m",
    figure: ({ now }) => Math.max(...shardsOf(now.stats).map(fill), 0),
    format: (part) => `${percent(part)} full`,
  },
  {
    name: "ShardcastUpgradesRefused",
    severity: "ticket",
    summary: "Clients get 503 because a shard is full, or because the app decides too slowly.",
    expr: 'sum by (instance, reason) (rate(shardcast_upgrades_refused_total{reason=~"full|busy|undecided"}[5m]))',
    above: 0,
    for: "5m",
    figure: ({ now, before, seconds }) => (refused(now) - refused(before)) / seconds,
    format: (rate) => `${rough(rate)} a second`,
  },
  {
    name: "ShardcastRequestsFail",
    severity: "ticket",
    summary: "Plain requests get 502 or 503 instead of the app's answer. The log says why.",
    expr: 'sum by (instance, reason) (rate(shardcast_http_requests_failed_total{reason=~"unreachable|unusable|busy"}[5m]))',
    above: 0,
    for: "5m",
    figure: ({ now, before, seconds }) => (unanswered(now) - unanswered(before)) / seconds,
    format: (rate) => `${rough(rate)} a second`,
  },
];

function total({ stats }: Reading, count: ShardFigure): number {
  return shardsOf(stats).reduce((sum, shard) => sum + shard[count], 0);
}

function grown({ now, before }: Recent, count: ShardFigure): number {
  return total(now, count) - total(before, count);
}

/** Departures that are remembered: of the time before the page was open there is nothing else. */
function gone({ departures }: Recent, why: DepartureReason): number {
  return departures.filter(({ reason }) => reason === why).length;
}

function refused({ stats }: Reading): number {
  return stats.refused_full + stats.refused_busy + stats.refused_undecided;
}

function unanswered({ stats }: Reading): number {
  return stats.requests_unreachable + stats.requests_unusable + stats.requests_busy;
}

function fill({ clients, max_clients: limit }: ShardCounters): number {
  return limit > 0 ? clients / limit : 0;
}

/** A worker now, and earlier. */
type Pair = readonly [WorkerStats, WorkerStats];

function pairs(now: Reading, earlier: Reading): Pair[] {
  const before = workersOf(earlier);
  return workersOf(now).map((worker, n) => [worker, before[n] ?? worker]);
}

function workersOf({ stats }: Reading): WorkerStats[] {
  return shardsOf(stats).flatMap(({ per_worker }) => per_worker);
}

const sum = (all: Pair[], of: (pair: Pair) => number) =>
  all.reduce((sum, pair) => sum + of(pair), 0);

const most = (all: Pair[], of: (pair: Pair) => number) =>
  all.reduce((most, pair) => Math.max(most, of(pair)), 0);

const failures = ([now, before]: Pair) => now.failures - before.failures;

const busy = ([now, before]: Pair) => now.busy_seconds - before.busy_seconds;

/** A worker counts its time at the end of each turn, and every turn takes some. */
export function isStuck([now, before]: Pair): boolean {
  if (now === before) return false;
  const waited = now.queue_messages > 0 && before.queue_messages > 0;
  return waited && now.busy_seconds === before.busy_seconds;
}

const queueOfStuck = (pair: Pair) => (isStuck(pair) ? pair[0].queue_messages : 0);

const ROUGH = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

function rough(figure: number): string {
  return ROUGH.format(figure);
}

function percent(part: number): string {
  return `${ROUGH.format(part * 100)} %`;
}
