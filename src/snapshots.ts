/** How a broadcaster does: figures of the time since the last look. */

import { type DeliveryTimes, percentile, since } from "./delivery-times";
import type { Broadcaster, ChannelStats, ShardCounters, SlowClient } from "./index";
import { shardsOf } from "./stats";

/** A page shows no more than this of each. */
const MAX_CHANNELS = 12;
const MAX_SLOW = 8;
const MAX_WORKERS = 1024;

export interface WorkerSnapshot {
  clients: number;
  /** Part of the time that its thread was awake, from 0 to 1. */
  busy: number;
  /** Messages in its queue. */
  queue: number;
  saturated: boolean;
}

export interface ShardSnapshot {
  clients: number;
  /** Clients that it may have. */
  limit: number;
  workers: WorkerSnapshot[];
}

export interface Snapshot {
  /** Milliseconds since 1970. */
  at: number;
  clients: number;
  messagesPerSecond: number;
  deliveriesPerSecond: number;
  bytesPerSecond: number;
  /** From publish to the end of the pass that carried the message; null without messages. */
  p50Ms: number | null;
  p99Ms: number | null;
  /** Deliveries dropped since the start, by reason. */
  dropped: { slow: number; skipped: number; closed: number; queueFull: number };
  shards: ShardSnapshot[];
  channels: { channel: string; subscribers: number; perSecond: number }[];
  slow: Pick<SlowClient, "id" | "shard" | "worker" | "lagMessages" | "lagBytes">[];
}

/** What is counted up, at some moment. */
interface Totals {
  atMs: number;
  published: number;
  deliveries: number;
  bytes: number;
  busySeconds: number[];
  channels: Map<string, number>;
  times: DeliveryTimes | undefined;
}

type Looked = Pick<Broadcaster, "stats" | "slowClients" | "channels" | "deliveryTimes">;

/** Looks at a broadcaster again and again. */
export class Snapshots {
  #before: Totals | undefined;
  /** What the snapshots have themselves added to the counts since the last look. */
  #own = { messages: 0, deliveries: 0, bytes: 0 };

  /** @param hidden the channel on which snapshots are told, which is not shown */
  constructor(
    private readonly broadcaster: Looked,
    private readonly hidden: string,
  ) {}

  /** Begins anew: the time before counts for nothing. */
  begin(): void {
    this.#before = this.#totals();
    this.#own = { messages: 0, deliveries: 0, bytes: 0 };
  }

  /** A snapshot was published to so many clients, in so many bytes. */
  noteOwn(clients: number, bytes: number): void {
    this.#own.messages += 1;
    this.#own.deliveries += clients;
    this.#own.bytes += clients * bytes;
  }

  /** The figures since the last snapshot, or since `begin`. */
  async next(): Promise<Snapshot> {
    const slow = await this.broadcaster.slowClients(MAX_SLOW);
    const [before, own] = [this.#before ?? this.#totals(), this.#own];
    const now = this.#totals();
    this.#before = now;
    this.#own = { messages: 0, deliveries: 0, bytes: 0 };

    const seconds = Math.max((now.atMs - before.atMs) / 1000, 0.001);
    const rate = (count: number) => Math.max(0, count) / seconds;
    const messagesPerSecond = rate(now.published - before.published - own.messages);
    const times = messagesPerSecond > 0 ? since(now.times, before.times) : undefined;
    const shards = shardsOf(this.broadcaster.stats());
    return {
      at: Date.now(),
      clients: sum(shards, "clients"),
      messagesPerSecond,
      deliveriesPerSecond: rate(now.deliveries - before.deliveries - own.deliveries),
      bytesPerSecond: rate(now.bytes - before.bytes - own.bytes),
      p50Ms: milliseconds(times && percentile(times, 50)),
      p99Ms: milliseconds(times && percentile(times, 99)),
      dropped: {
        slow: sum(shards, "dropped_slow"),
        skipped: sum(shards, "dropped_skipped"),
        closed: sum(shards, "dropped_closed"),
        queueFull: sum(shards, "dropped_queue_full"),
      },
      shards: snapshotsOf(shards, before.busySeconds, seconds),
      channels: this.#channels(before.channels, rate),
      slow: slow.map(({ id, shard, worker, lagMessages, lagBytes }) => ({
        id,
        shard,
        worker,
        lagBytes,
        ...(lagMessages !== undefined && { lagMessages }),
      })),
    };
  }

  #channels(before: Map<string, number>, rate: (count: number) => number): Snapshot["channels"] {
    return this.#shown().map(({ channel, subscribers, published }) => ({
      channel,
      subscribers,
      perSecond: rate(published - (before.get(channel) ?? published)),
    }));
  }

  #shown(): ChannelStats[] {
    const channels = this.broadcaster.channels(MAX_CHANNELS + 1);
    return channels.filter(({ channel }) => channel !== this.hidden).slice(0, MAX_CHANNELS);
  }

  #totals(): Totals {
    const stats = this.broadcaster.stats();
    const shards = shardsOf(stats);
    return {
      atMs: performance.now(),
      published: stats.total_published,
      deliveries: sum(shards, "deliveries"),
      bytes: sum(shards, "bytes_written"),
      busySeconds: shards.flatMap((shard) => shard.per_worker.map((worker) => worker.busy_seconds)),
      channels: new Map(this.#shown().map(({ channel, published }) => [channel, published])),
      times: this.broadcaster.deliveryTimes(),
    };
  }
}

function snapshotsOf(
  shards: readonly ShardCounters[],
  busyBefore: readonly number[],
  seconds: number,
): ShardSnapshot[] {
  let number = 0;
  const snapshots = shards.map(({ clients, max_clients, per_worker }) => ({
    clients,
    limit: max_clients,
    workers: per_worker.map(({ busy_seconds, ...worker }) => {
      const before = busyBefore[number] ?? busy_seconds;
      number += 1;
      return {
        clients: worker.clients,
        busy: Math.min(1, Math.max(0, busy_seconds - before) / seconds),
        queue: worker.queue_messages,
        saturated: worker.saturated,
      };
    }),
  }));
  // Of more threads than anyone can look at, those of the first shards are shown.
  const perShard = shards[0]?.per_worker.length ?? 1;
  return snapshots.slice(0, Math.max(1, Math.floor(MAX_WORKERS / Math.max(1, perShard))));
}

type Count = Exclude<keyof ShardCounters, "per_worker">;

function sum(shards: readonly ShardCounters[], count: Count): number {
  return shards.reduce((total, shard) => total + shard[count], 0);
}

function milliseconds(seconds: number | undefined): number | null {
  return seconds === undefined ? null : seconds * 1000;
}
