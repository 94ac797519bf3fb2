import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../../src/config/config";
import type { Snapshot } from "../../src/server/live/snapshot";
import { Snapshots } from "../../src/server/live/snapshots";
import type { SlowClient } from "../../src/sharded/clients/client-reports";
import type { Departure } from "../../src/sharded/clients/departures";
import {
  type DeliveryTimes,
  deliveryPercentile,
  deliveryTimesSince,
} from "../../src/stats/delivery-times";
import { noCounters, shardStats, type WorkerStats } from "../../src/stats/stats";
import { connect, until, within } from "../helpers/client";
import { serve } from "../helpers/serving";

describe("a histogram of times", () => {
  const times = (...counts: number[]): DeliveryTimes => ({ bounds: [1, 2, 4], counts, sum: 0 });

  test.each([
    [times(10, 0, 0, 0), 50, 0.5],
    [times(10, 0, 0, 0), 100, 1],
    [times(50, 49, 1, 0), 99, 2],
    [times(0, 0, 4, 0), 25, 2.5],
    [times(0, 0, 0, 3), 50, 4],
    [times(0, 0, 0, 0), 50, undefined],
  ])("of %p has its percentile %p at %p", (histogram, percent, expected) => {
    expect(deliveryPercentile(histogram, percent)).toBe(expected as number);
  });

  test("subtracts what was there before", () => {
    expect(deliveryTimesSince(times(5, 2, 0, 1), times(3, 2, 0, 0))?.counts).toEqual([2, 0, 0, 1]);
    expect(deliveryTimesSince(times(1), undefined)?.counts).toEqual([1]);
  });
});

describe("the sharded broadcaster", () => {
  test("shows the busiest channels, and how long messages took", async () => {
    const { broadcaster, ws } = serve({}, (app) =>
      app.ws("/", {
        open(ws) {
          ws.subscribe("busy");
          ws.subscribe("quiet");
        },
      }),
    );
    const client = await connect(ws);
    for (let n = 0; n < 3; n += 1) broadcaster.publish("busy", "x");
    broadcaster.publish("quiet", "x");
    broadcaster.publish("unheard", "x");
    await client.take(4);
    expect(broadcaster.channels()).toEqual([
      { channel: "busy", subscribers: 1, published: 3 },
      { channel: "quiet", subscribers: 1, published: 1 },
    ]);
    expect(broadcaster.channels(1)).toHaveLength(1);
    expect(broadcaster.channels(10, "qui").map(({ channel }) => channel)).toEqual(["quiet"]);
    const { total_published, total_channels, total_subscriptions } = broadcaster.stats();
    expect({ total_published, total_channels, total_subscriptions }).toEqual({
      total_published: 4,
      total_channels: 2,
      total_subscriptions: 2,
    });
    const counted = () =>
      broadcaster.deliveryTimes()?.counts.reduce((sum, count) => sum + count, 0);
    await until(() => counted() === 4);
    expect(broadcaster.deliveryTimes()?.sum).toBeGreaterThan(0);
  });
});

const IDLE: WorkerStats = {
  clients: 0,
  queue_messages: 0,
  queue_bytes: 0,
  saturated: false,
  saturations: 0,
  busy_seconds: 0,
  failures: 0,
};

/** Stands in for a broadcaster of so many shards, each of these workers. */
class Standing {
  published = 0;
  clients = 0;
  channels = () => [];
  deliveryTimes = () => undefined;
  departures = (): Departure[] => [];
  subscriberCount = () => 0;
  slowClients = (): Promise<SlowClient[]> => Promise.resolve([]);

  constructor(
    public workers: Partial<WorkerStats>[],
    private readonly shards = 1,
  ) {}

  stats() {
    const per_worker = this.workers.map((worker) => ({ ...IDLE, ...worker }));
    const { published, clients } = this;
    const shard = { ...noCounters(), clients, per_worker };
    return shardStats(
      Array.from({ length: this.shards }, () => shard),
      { published },
    );
  }
}

/** Looks at it with a clock that is moved by hand. */
function looking(broadcaster: Standing) {
  const clock = { ms: 0 };
  const limits = { queueMessages: 100, queueBytes: 1000 };
  const options = { ...limits, useSharding: true, hidden: "$own", clock: () => clock.ms };
  const snapshots = new Snapshots(broadcaster, options);
  snapshots.begin();
  const after = (ms: number) => {
    clock.ms += ms;
    return snapshots.next();
  };
  return { after };
}

const workersOf = ({ shards }: Snapshot) => shards.flatMap(({ workers }) => workers);

describe("a snapshot", () => {
  test("leaves out what snapshots have added themselves", async () => {
    const { broadcaster, ws } = serve({}, (app) =>
      app.ws("/", { open: (ws) => void ws.subscribe("$own") }),
    );
    const client = await connect(ws);
    const clock = { ms: 0 };
    const config = { useSharding: true, queueMessages: 1, queueBytes: 1 };
    const snapshots = new Snapshots(broadcaster, {
      ...config,
      hidden: "$own",
      clock: () => clock.ms,
    });
    snapshots.begin();
    snapshots.noteOwn(1);
    broadcaster.publish("$own", "12345");
    await client.next();
    clock.ms = 1000;
    const { messagesPerSecond, deliveriesPerSecond, p99Ms, channels, shards } =
      await snapshots.next();
    expect({ messagesPerSecond, deliveriesPerSecond, p99Ms, channels }).toEqual({
      messagesPerSecond: 0,
      deliveriesPerSecond: 0,
      p99Ms: null,
      channels: [],
    });
    expect(shards.map(({ workers }) => workers.length)).toEqual([1, 1]);
  });

  test("shows no rates before half a second has passed, and loses no count", async () => {
    const broadcaster = new Standing([{}]);
    const { after } = looking(broadcaster);
    broadcaster.published = 10;
    const early = await after(1);
    expect([early.messagesPerSecond, early.bytesPerSecond]).toEqual([null, null]);
    expect(workersOf(early).map(({ busy }) => busy)).toEqual([null]);
    broadcaster.workers = [{ busy_seconds: 0.5 }];
    const later = await after(999);
    expect(later.messagesPerSecond).toBe(10);
    expect(workersOf(later).map(({ busy }) => busy)).toEqual([0.5]);
  });

  test("has all its figures from one look", async () => {
    const broadcaster = new Standing([{}]);
    const { stats } = broadcaster;
    // More is published with each look, and one more client is there.
    broadcaster.stats = () => {
      broadcaster.published += 1;
      broadcaster.clients += 1;
      return stats.call(broadcaster);
    };
    const { after } = looking(broadcaster);
    const snapshot = await after(1000);
    expect([snapshot.clients, snapshot.messagesPerSecond]).toEqual([2, 1]);
  });

  test("shows as stuck a worker that leaves its queue alone, and no other", async () => {
    const waiting = { queue_messages: 5, queue_bytes: 10 };
    const broadcaster = new Standing([waiting, waiting, {}]);
    const { after } = looking(broadcaster);
    broadcaster.workers = [waiting, { ...waiting, busy_seconds: 0.1 }, {}];
    const snapshot = await after(1000);
    expect(workersOf(snapshot).map(({ stuck }) => stuck)).toEqual([true, false, false]);
    expect(snapshot.workersStuck).toBe(1);
  });

  test("shows how full a queue is, by messages or bytes", async () => {
    const byMessages = { queue_messages: 50, queue_bytes: 100 };
    const byBytes = { queue_messages: 1, queue_bytes: 900 };
    const { after } = looking(new Standing([byMessages, byBytes]));
    expect(workersOf(await after(1000)).map(({ fill }) => fill)).toEqual([0.5, 0.9]);
  });

  test("does not wait for a stuck worker to report slow clients, nor ask it again", async () => {
    const broadcaster = new Standing([{}]);
    const sleepy = { id: "sleepy", shard: 0, worker: 0, address: "", lagBytes: 7 };
    let asked = 0;
    const answers = [Promise.resolve([sleepy]), new Promise<never>(() => {})];
    broadcaster.slowClients = () => answers[asked++] as Promise<SlowClient[]>;
    const { after } = looking(broadcaster);
    const { slowAt } = await after(1000);
    expect(slowAt).toBeNumber();
    for (let n = 0; n < 3; n += 1) {
      const snapshot = await within(after(1000), "a snapshot beside a stuck worker");
      expect(snapshot.slow.map(({ id }) => id)).toEqual(["sleepy"]);
      expect(snapshot.slowAt).toBe(slowAt);
    }
    expect(asked).toBe(2);
  });

  test("counts the workers that it leaves out", async () => {
    const workers = Array.from({ length: 64 }, () => ({ queue_messages: 1 }));
    const { after } = looking(new Standing(workers, 20));
    const { shards, workersLeftOut, workersStuck } = await after(1000);
    expect(shards).toHaveLength(16);
    expect(workersLeftOut).toBe(4 * 64);
    expect(workersStuck).toBe(20 * 64);
  });

  test("leaves empty what is unknown without sharding", async () => {
    const config = resolveConfig({ useSharding: false });
    const snapshots = new Snapshots(new Standing([{}]), { ...config, hidden: "$own" });
    const { sharded, dropped, bytesPerSecond, verdict } = await snapshots.next();
    expect({ sharded, dropped, bytesPerSecond, verdict }).toEqual({
      sharded: false,
      dropped: null,
      bytesPerSecond: null,
      verdict: null,
    });
  });
});
