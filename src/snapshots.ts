/** How a broadcaster does: figures of the time since the last look. */

import { type DeliveryTimes, percentile, since } from "./delivery-times";
import type { Broadcaster, ChannelStats, ShardCounters } from "./index";
import { LastAnswer } from "./last-answer";
import type { ChannelSnapshot, ShardSnapshot, Snapshot } from "./snapshot";
import { shardsOf, type WorkerStats } from "./stats";
import { type QueueLimits, snapshotsOfShards } from "./worker-snapshots";

/** A page shows no more than this of each. */
const MAX_CHANNELS = 12;
const MAX_SLOW = 8;
const MAX_WORKERS = 1024;

/** Of a shorter time no rate is told: one message in a millisecond is not a thousand a second. */
const MIN_SPAN_MS = 500;
/** Every worker has to say who is slow, and one that is stuck says nothing. */
const SLOW_PATIENCE_MS = 200;

/** What is counted up, at some moment. */
interface Totals {
  atMs: number;
  published: number;
  deliveries: number;
  bytes: number;
  workers: WorkerStats[];
  channels: Map<string, number>;
  times: DeliveryTimes | undefined;
}

type Looked = Pick<Broadcaster, "stats" | "slowClients" | "channels" | "deliveryTimes">;

/** How to look. */
export interface SnapshotOptions extends QueueLimits {
  useSharding: boolean;
  /** The channel on which snapshots are told, which is not shown. */
  hidden: string;
  /** A clock, in milliseconds since whenever. */
  clock?: () => number;
}

/** Looks at a broadcaster again and again. */
export class Snapshots {
  readonly #clock: () => number;
  readonly #slow: LastAnswer<Snapshot["slow"]>;
  #before: Totals | undefined;
  /** What the snapshots have themselves added to the counts since the last look. */
  #own = { messages: 0, deliveries: 0 };

  constructor(
    private readonly broadcaster: Looked,
    private readonly options: SnapshotOptions,
  ) {
    this.#clock = options.clock ?? (() => performance.now());
    this.#slow = new LastAnswer(() => this.#slowest());
  }

  /** Begins anew: the time before counts for nothing. */
  begin(): void {
    this.#lookFrom(this.#totals());
  }

  /** A snapshot was published to so many clients. */
  noteOwn(clients: number): void {
    this.#own.messages += 1;
    this.#own.deliveries += clients;
  }

  /** The figures since the last snapshot that told rates, or since `begin`. */
  async next(): Promise<Snapshot> {
    const slow = await this.#slow.within(SLOW_PATIENCE_MS);
    const shards = shardsOf(this.broadcaster.stats());
    const { useSharding } = this.options;
    return {
      at: Date.now(),
      sharded: useSharding,
      clients: sum(shards, "clients"),
      dropped: useSharding ? droppedBy(shards) : null,
      slow: slow?.answer ?? [],
      slowAt: slow?.at ?? null,
      ...this.#sinceLast(shards),
    };
  }

  /** What takes two looks to know. */
  #sinceLast(shards: ShardCounters[]) {
    const [now, own] = [this.#totals(), this.#own];
    const spanMs = now.atMs - (this.#before?.atMs ?? now.atMs);
    const before = spanMs < MIN_SPAN_MS ? undefined : this.#before;
    if (before) this.#lookFrom(now);
    const seconds = spanMs / 1000;
    const rate = (count: (totals: Totals) => number | undefined, ours = 0) => {
      if (!before) return null;
      const counted = (count(now) ?? 0) - (count(before) ?? count(now) ?? 0) - ours;
      return Math.max(0, counted) / seconds;
    };
    const messagesPerSecond = rate(({ published }) => published, own.messages);
    const times = messagesPerSecond ? since(now.times, before?.times) : undefined;
    return {
      messagesPerSecond,
      deliveriesPerSecond: rate(({ deliveries }) => deliveries, own.deliveries),
      bytesPerSecond: this.options.useSharding ? rate(({ bytes }) => bytes) : null,
      p50Ms: milliseconds(times && percentile(times, 50)),
      p99Ms: milliseconds(times && percentile(times, 99)),
      channels: this.#channels((channel) => rate(({ channels }) => channels.get(channel))),
      ...shown(snapshotsOfShards(shards, before?.workers ?? [], seconds, this.options)),
    };
  }

  #lookFrom(totals: Totals): void {
    this.#before = totals;
    this.#own = { messages: 0, deliveries: 0 };
  }

  async #slowest(): Promise<Snapshot["slow"]> {
    const slow = await this.broadcaster.slowClients(MAX_SLOW);
    return slow.map(({ id, shard, worker, lagMessages, lagBytes }) => {
      return { id, shard, worker, lagBytes, ...(lagMessages !== undefined && { lagMessages }) };
    });
  }

  #channels(rateOf: (channel: string) => number | null): ChannelSnapshot[] {
    return this.#shownChannels().map(({ channel, subscribers }) => {
      return { channel, subscribers, perSecond: rateOf(channel) };
    });
  }

  #shownChannels(): ChannelStats[] {
    const channels = this.broadcaster.channels(MAX_CHANNELS + 1);
    return channels.filter(({ channel }) => channel !== this.options.hidden).slice(0, MAX_CHANNELS);
  }

  #totals(): Totals {
    const stats = this.broadcaster.stats();
    const shards = shardsOf(stats);
    return {
      atMs: this.#clock(),
      published: stats.total_published,
      deliveries: sum(shards, "deliveries"),
      bytes: sum(shards, "bytes_written"),
      workers: shards.flatMap(({ per_worker }) => per_worker),
      channels: new Map(
        this.#shownChannels().map(({ channel, published }) => [channel, published]),
      ),
      times: this.broadcaster.deliveryTimes(),
    };
  }
}

/** Of more workers than anyone can look at, those of the first shards; of the rest, the number. */
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

function droppedBy(shards: readonly ShardCounters[]): Snapshot["dropped"] {
  return {
    slow: sum(shards, "dropped_slow"),
    skipped: sum(shards, "dropped_skipped"),
    closed: sum(shards, "dropped_closed"),
    queueFull: sum(shards, "dropped_queue_full"),
  };
}

type Count = Exclude<keyof ShardCounters, "per_worker">;

function sum(shards: readonly ShardCounters[], count: Count): number {
  return shards.reduce((total, shard) => total + shard[count], 0);
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1000;
}
