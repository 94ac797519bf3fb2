import { describe, expect, test } from "bun:test";

import { type DeliveryTimes, percentile, since } from "../src/delivery-times";
import { Snapshots } from "../src/snapshots";
import { connect } from "./client";
import { serve } from "./serving";

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
    expect(percentile(histogram, percent)).toBe(expected as number);
  });

  test("tells what has come since", () => {
    expect(since(times(5, 2, 0, 1), times(3, 2, 0, 0))?.counts).toEqual([2, 0, 0, 1]);
    expect(since(times(1), undefined)?.counts).toEqual([1]);
  });
});

describe("the sharded broadcaster", () => {
  test("knows its busiest channels, and how long messages took", async () => {
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
    broadcaster.publish("nobody", "x");
    await client.take(4);
    expect(broadcaster.channels()).toEqual([
      { channel: "busy", subscribers: 1, published: 3 },
      { channel: "quiet", subscribers: 1, published: 1 },
    ]);
    expect(broadcaster.channels(1)).toHaveLength(1);
    expect(broadcaster.stats().total_published).toBe(4);
    const counted = () =>
      broadcaster.deliveryTimes()?.counts.reduce((sum, count) => sum + count, 0);
    while (counted() !== 4) await Bun.sleep(1);
    expect(broadcaster.deliveryTimes()?.sum).toBeGreaterThan(0);
  });
});

describe("a snapshot", () => {
  test("leaves out what snapshots have added themselves", async () => {
    const { broadcaster, ws } = serve({}, (app) =>
      app.ws("/", { open: (ws) => void ws.subscribe("$own") }),
    );
    const client = await connect(ws);
    const snapshots = new Snapshots(broadcaster, "$own");
    snapshots.begin();
    snapshots.noteOwn(1, 5);
    broadcaster.publish("$own", "12345");
    await client.next();
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
});
