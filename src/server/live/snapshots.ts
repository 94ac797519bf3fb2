/** Figures of a broadcaster, and rates since the last look at it. */

import {
  type Broadcaster,
  type ChannelStats,
  DEPARTURE_REASONS,
  type Departure,
  deliveryPercentile,
  deliveryTimesSince,
  type ShardCounters,
  type ShardFigure,
  shardsOf,
} from "../../index";
import type { Reading } from "./alert-rules";
import { LastAnswer } from "./last-answer";
import type { DepartureSnapshot, DroppedSnapshot, ShardSnapshot, Snapshot } from "./snapshot";
import { Verdicts } from "./verdict";
import { type QueueLimits, snapshotsOfShards } from "./worker-snapshots";

/** A page shows no more than this of each. */
const MAX_CHANNELS = 50;
const MAX_SLOW = 8;
const MAX_DEPARTURES = 10;
/** Characters of a name that a page shows: an app may have long ones. */
const MAX_NAME_LENGTH = 200;
const MAX_WORKERS = 1024;

/** A shorter time has no rates: one message in a millisecond is not a thousand a second. */
const MIN_SPAN_MS = 500;
/** Each worker has to report its slow clients, and a worker that is stuck does not. */
const SLOW_TIMEOUT_MS = 200;

/** One look: all the figures of a snapshot are of the same. */
interface Look extends Reading {
  atMs: number;
  shards: ShardCounters[];
  /** Those that are shown. */
  channels: ChannelStats[];
}

type Watched = Pick<
  Broadcaster,
  "stats" | "slowClients" | "channels" | "deliveryTimes" | "departures" | "subscriberCount"
>;

/** How to look. */
export interface SnapshotOptions extends QueueLimits {
  useSharding: boolean;
  /** The channel of the snapshots themselves, which is not shown. */
  hidden: string;
  /** A clock in milliseconds. */
  clock?: () => number;
}

/** Looks at a broadcaster again and again. */
export class Snapshots {
  readonly #clock: () => number;
  readonly #slow: LastAnswer<Snapshot["slow"]>;
  readonly #verdicts: Verdicts;
  #before: Look | undefined;
  /** What the snapshots have themselves added to the counts since the last look. */
  #own = { messages: 0, deliveries: 0 };

  constructor(
    private readonly broadcaster: Watched,
    private readonly options: SnapshotOptions,
  ) {
    this.#clock = options.clock ?? (() => performance.now());
    this.#slow = new LastAnswer(() => this.#slowest());
    this.#verdicts = new Verdicts(this.#clock);
  }

  /** Begins anew, without the time before. */
  begin(): void {
    this.#lookFrom(this.#look());
    this.#verdicts.begin();
  }

  /** A snapshot was published to so many clients. */
  noteOwn(clients: number): void {
    this.#own.messages += 1;
    this.#own.deliveries += clients;
  }

  /** The figures since the last snapshot with rates, or since `begin`. */
  async next(): Promise<Snapshot> {
    const slow = await this.#slow.within(SLOW_TIMEOUT_MS);
    const now = this.#look();
    const { shards } = now;
    const { useSharding } = this.options;
    const departures = this.broadcaster.departures();
    return {
      at: Date.now(),
      sharded: useSharding,
      clients: sum(shards, "clients"),
      dropped: useSharding ? droppedBy(shards) : null,
      slow: slow?.answer ?? [],
      slowAt: slow?.at ?? null,
      departures: departures.slice(0, MAX_DEPARTURES).map(shownDeparture),
      departuresTotal: sumOf(shards, DISCONNECTS),
      verdict: useSharding ? this.#verdicts.next(now, departures) : null,
      ...this.#channelTotals(now),
      ...this.#sinceLast(now),
    };
  }

  /** The figures that need two looks. */
  #sinceLast(now: Look) {
    const own = this.#own;
    const spanMs = now.atMs - (this.#before?.atMs ?? now.atMs);
    const before = spanMs < MIN_SPAN_MS ? undefined : this.#before;
    if (before) this.#lookFrom(now);
    const seconds = spanMs / 1000;
    const rate = (count: (look: Look) => number | undefined, ours = 0) => {
      if (!before) return null;
      const counted = (count(now) ?? 0) - (count(before) ?? count(now) ?? 0) - ours;
      return Math.max(0, counted) / seconds;
    };
    const messagesPerSecond = rate(({ stats }) => stats.total_published, own.messages);
    const times = messagesPerSecond ? deliveryTimesSince(now.times, before?.times) : undefined;
    return {
      messagesPerSecond,
      deliveriesPerSecond: rate(({ shards }) => sum(shards, "deliveries"), own.deliveries),
      bytesPerSecond: this.options.useSharding ? rate(bytesOf) : null,
      droppedPerSecond: this.options.useSharding ? rate(droppedOf) : null,
      p50Ms: milliseconds(times && deliveryPercentile(times, 50)),
      p99Ms: milliseconds(times && deliveryPercentile(times, 99)),
      channels: now.channels.map(({ channel, subscribers }) => {
        return { channel: cut(channel), subscribers, perSecond: rate(publishedTo(channel)) };
      }),
      ...shown(snapshotsOfShards(now.shards, workersOf(before), seconds, this.options)),
    };
  }

  #lookFrom(look: Look): void {
    this.#before = look;
    this.#own = { messages: 0, deliveries: 0 };
  }

  async #slowest(): Promise<Snapshot["slow"]> {
    const slow = await this.broadcaster.slowClients(MAX_SLOW);
    return slow.map(({ id, shard, worker, lagMessages, lagBytes }) => {
      return {
        id: cut(id),
        shard,
        worker,
        lagBytes,
        ...(lagMessages !== undefined && { lagMessages }),
      };
    });
  }

  #channelTotals({ stats }: Look) {
    const own = this.broadcaster.subscriberCount(this.options.hidden);
    return {
      channelsTotal: Math.max(0, stats.total_channels - Number(own > 0)),
      subscriptionsTotal: Math.max(0, stats.total_subscriptions - own),
    };
  }

  #shownChannels(): ChannelStats[] {
    const channels = this.broadcaster.channels(MAX_CHANNELS + 1);
    return channels.filter(({ channel }) => channel !== this.options.hidden).slice(0, MAX_CHANNELS);
  }

  #look(): Look {
    const stats = this.broadcaster.stats();
    return {
      atMs: this.#clock(),
      stats,
      shards: shardsOf(stats),
      channels: this.#shownChannels(),
      times: this.broadcaster.deliveryTimes(),
    };
  }
}

/** Each count of drops, and its reason in a snapshot. */
const DROPS: Readonly<Record<DropFigure, keyof DroppedSnapshot>> = {
  dropped_slow: "slow",
  dropped_skipped: "skipped",
  dropped_closed: "closed",
  dropped_queue_full: "queueFull",
};
type DropFigure = Extract<ShardFigure, `dropped_${string}`>;
const DROP_FIGURES = Object.keys(DROPS) as DropFigure[];

const DISCONNECTS = DEPARTURE_REASONS.map((reason) => `closed_${reason}` as const);

const droppedOf = ({ shards }: Look) => sumOf(shards, DROP_FIGURES);

const bytesOf = ({ shards }: Look) => sum(shards, "bytes_written");

const publishedTo = (name: string) => (look: Look) =>
  look.channels.find(({ channel }) => channel === name)?.published;

const workersOf = (look: Look | undefined) =>
  look?.shards.flatMap(({ per_worker }) => per_worker) ?? [];

/** The shards that a page can show; of the others, the number of workers. */
function shown(shards: ShardSnapshot[]) {
  const workers = shards.flatMap((shard) => shard.workers);
  const perShard = Math.max(1, shards[0]?.workers.length ?? 1);
  const kept = shards.slice(0, Math.max(1, Math.floor(MAX_WORKERS / perShard)));
  return {
    shards: kept,
    workersLeftOut: (shards.length - kept.length) * perShard,
    workersStuck: workers.filter(({ stuck }) => stuck).length,
  };
}

function droppedBy(shards: readonly ShardCounters[]): DroppedSnapshot {
  const entries = DROP_FIGURES.map((figure) => [DROPS[figure], sum(shards, figure)]);
  return Object.fromEntries(entries) as DroppedSnapshot;
}

function sum(shards: readonly ShardCounters[], count: ShardFigure): number {
  return shards.reduce((total, shard) => total + shard[count], 0);
}

function sumOf(shards: readonly ShardCounters[], counts: readonly ShardFigure[]): number {
  return counts.reduce((total, count) => total + sum(shards, count), 0);
}

function cut(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;
}

function shownDeparture({ at, ...departure }: Departure): DepartureSnapshot {
  return { ...departure, at: at.getTime() };
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1000;
}
