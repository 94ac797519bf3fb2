import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { Elysia } from "elysia";

import {
  type Channels,
  createBroadcaster,
  type DroppedMessages,
  type MissedMessages,
  type ShardcastConfig,
  type ShardcastSocket,
  type ShardStats,
  type StatsSource,
  shardcast,
} from "../src/index";
import { shardsOf } from "../src/stats/stats";
import { connect, type TestClient, until, within } from "./helpers/client";
import { SMALL, serve, serveWith } from "./helpers/serving";
import { logged, spyLogger } from "./helpers/spy-logger";

const both: [string, ShardcastConfig][] = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
];

/** Subscribes every client to what its query names, and says when that is done. */
function stream(app: Elysia) {
  return app.ws("/", {
    open(ws) {
      for (const channel of (ws.data.query.channels ?? "ticks").split(",")) ws.subscribe(channel);
      ws.send("ready");
    },
  });
}

async function subscriber(url: string): Promise<TestClient> {
  const client = await connect(url);
  expect(await client.next()).toBe("ready");
  return client;
}

function brokenLog(): never {
  throw new Error("the log is full");
}

function total(stats: ShardStats, of: (shard: ReturnType<typeof shardsOf>[number]) => number) {
  return shardsOf(stats).reduce((sum, shard) => sum + of(shard), 0);
}

describe.each(both)("createBroadcaster, %s", (_name, config) => {
  /** Serves what the iterables yield, once `gate` opens. */
  function serveChannels(channels: Channels, more: ShardcastConfig = {}) {
    return serveWith(createBroadcaster({ ...SMALL, ...config, ...more }, channels), stream);
  }

  test("publishes what async iterables yield: text, bytes, and values as JSON", async () => {
    const gate = Promise.withResolvers<void>();
    const { ws } = serveChannels({
      text: (async function* () {
        await gate.promise;
        yield "one";
        yield "two";
      })(),
      mixed: (async function* () {
        await gate.promise;
        yield new Uint8Array([1, 2]);
        yield { price: 1.5 };
        yield 7;
      })(),
    });
    const text = await subscriber(`${ws}/?channels=text`);
    const mixed = await subscriber(`${ws}/?channels=mixed`);
    gate.resolve();
    expect(await text.take(2)).toEqual(["one", "two"]);
    expect(await mixed.take(3)).toEqual([Buffer.from([1, 2]), '{"price":1.5}', "7"]);
  });

  test("reports an iterable that throws, and the others go on", async () => {
    const gate = Promise.withResolvers<void>();
    const logger = spyLogger();
    const { ws } = serveChannels(
      {
        broken: (async function* () {
          await gate.promise;
          yield "last";
          throw new Error("the exchange has hung up");
        })(),
        wrong: (async function* () {
          await gate.promise;
          yield () => "not a message";
        })(),
        whole: (async function* () {
          await gate.promise;
          for (let n = 0; n < 3; n += 1) {
            yield String(n);
            await Bun.sleep(1);
          }
        })(),
      },
      { logger },
    );
    const client = await subscriber(`${ws}/?channels=whole`);
    gate.resolve();
    expect(await client.take(3)).toEqual(["0", "1", "2"]);
    await until(() => logged(logger, "error").length === 2, "two errors in the log");
    const errors = logged(logger, "error").map(({ fields, message }) => [fields.channel, message]);
    expect(errors.sort()).toEqual([
      ["broken", expect.stringContaining("the exchange has hung up")],
      ["wrong", expect.stringContaining("which JSON cannot express")],
    ]);
  });

  test("ends an iterable when it shuts down, though that waits for its next value", async () => {
    const pulled = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const waiting: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next() {
          pulled.resolve();
          return new Promise<never>(() => {});
        },
        return() {
          ended.resolve();
          return Promise.resolve({ value: undefined, done: true as const });
        },
      }),
    };
    const { broadcaster } = serveChannels({ waiting });
    await within(pulled.promise, "the first pull");
    await within(broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 }), "the shutdown");
    await within(ended.promise, "the end of the iterable");
  });

  test("pulls nothing before an app listens", async () => {
    let pulled = false;
    const broadcaster = createBroadcaster(config, {
      early: (async function* () {
        pulled = true;
        yield "too early";
      })(),
    });
    await Bun.sleep(5);
    expect(pulled).toBe(false);
    expect(broadcaster.state).toBe("starting");
  });

  test.each([
    ["no iterable", { ticks: ["a"] }, "channel ticks must be an async iterable"],
    ["nothing", { ticks: undefined }, "channel ticks must be an async iterable"],
    ["an empty name", { "": (async function* () {})() }, 'must be a non-empty string, not ""'],
    ["a source with an empty name", [{ channel: "" }], 'must be a non-empty string, not ""'],
    ["a source without a name", [{}], "must be a non-empty string, not undefined"],
    ["a source whose name is null", [{ channel: null }], "must be a non-empty string, not null"],
    ["a source whose name is a number", [{ channel: 5 }], "must be a non-empty string, not 5"],
    ["a source without messages", [{ channel: "ticks" }], "ticks must have a function"],
  ])("names what is wrong with a channel: %s", (_what, channels, message) => {
    expect(() => createBroadcaster(config, channels as unknown as Channels)).toThrow(message);
  });

  test("gives a stats collector its source", async () => {
    const sources: StatsSource[] = [];
    const collector = { observe: (source: StatsSource) => void sources.push(source) };
    const { ws } = serveWith(createBroadcaster({ ...SMALL, ...config }, {}, collector), stream);
    await subscriber(ws);
    expect(sources).toHaveLength(1);
    await until(() => sources[0]?.stats().total_clients === 1, "the client to be counted");
  });

  test("tells what state it is in", async () => {
    const broadcaster = createBroadcaster({ ...SMALL, ...config });
    expect(broadcaster.state).toBe("starting");
    const { ws } = serveWith(broadcaster, stream);
    expect(broadcaster.state).toBe("serving");
    await subscriber(ws);
    const shutdown = broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
    expect(broadcaster.state).toBe("draining");
    await within(shutdown, "the shutdown");
    expect(broadcaster.state).toBe("ended");
  });

  test.each([
    [{ code: 70_000 }, "close code must be"],
    [{ code: "1001" }, "close code must be"],
    [{ reason: 5 }, "reason must be a string"],
    [{ spreadMs: -1 }, "spreadMs must be a time"],
    [{ timeoutMs: Number.NaN }, "timeoutMs must be a time"],
  ])("refuses to shut down with %p, and shuts down after that", async (options, message) => {
    const { broadcaster } = serve(config, stream);
    expect(broadcaster.shutdown(options as never)).rejects.toThrow(message);
    expect(broadcaster.state).toBe("serving");
    await within(broadcaster.shutdown({ spreadMs: 0 }), "the shutdown");
    expect(broadcaster.state).toBe("ended");
  });

  test("shuts down without a limit of time as with a long one", async () => {
    const { ws, broadcaster } = serve(config, stream);
    const client = await subscriber(ws);
    await broadcaster.shutdown({ spreadMs: 0, timeoutMs: Number.POSITIVE_INFINITY });
    expect((await client.closed).code).toBe(1001);
  });

  test("is not ended by a stop that was meant for an earlier start", async () => {
    const broadcaster = createBroadcaster({ ...SMALL, ...config });
    const { app, ws } = serveWith(broadcaster, stream);
    await subscriber(ws);
    const gentle = app.server?.stop();
    await app.stop(true);
    app.listen({ port: 0, hostname: "127.0.0.1" });
    await gentle;
    expect(broadcaster.state).toBe("serving");
    await subscriber(`ws://127.0.0.1:${app.server?.port}`);
  });

  test("can listen again after a shutdown", async () => {
    const { app, broadcaster } = serve(config, stream);
    await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
    app.listen({ port: 0, hostname: "127.0.0.1" });
    await subscriber(`ws://127.0.0.1:${app.server?.port}`);
  });

  test("serves one app at a time", () => {
    const broadcaster = createBroadcaster({ ...SMALL, ...config });
    serveWith(broadcaster, stream);
    expect(() => serveWith(broadcaster, stream)).toThrow(
      expect.objectContaining({ code: "ALREADY_LISTENING" }),
    );
    expect(broadcaster.state).toBe("serving");
  });

  test("refuses what is no message, and what is no number of clients", () => {
    const { broadcaster } = serve(config, stream);
    expect(() => broadcaster.publish("ticks", null as never)).toThrow("publish requires a message");
    expect(broadcaster.slowClients(-1)).rejects.toThrow("top must be a whole number");
    expect(broadcaster.slowClients(1.5)).rejects.toThrow("top must be a whole number");
  });

  test("leaves nothing behind when its port is taken", async () => {
    const ours = () => readdirSync(tmpdir()).filter((name) => name.startsWith("shardcast-"));
    const { app } = serve(config, stream);
    const before = ours();
    const second = createBroadcaster({ ...SMALL, ...config });
    const other = new Elysia({ adapter: shardcast(second) });
    const port = app.server?.port as number;
    expect(() => other.listen({ port, hostname: "127.0.0.1" })).toThrow("the port is in use");
    expect(ours()).toEqual(before);
    expect(other.server).toBeNull();
  });

  test("loses no close to a logger that throws", async () => {
    const reported = spyOn(globalThis, "reportError").mockImplementation(() => {});
    const logger = { ...spyLogger(), debug: brokenLog };
    const closes: number[] = [];
    const { ws } = serve({ ...config, logger }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready"), close: () => void closes.push(1) }),
    );
    const clients = await Promise.all([subscriber(ws), subscriber(ws), subscriber(ws)]);
    for (const client of clients) client.terminate();
    await until(() => closes.length === 3, "all closes");
    reported.mockRestore();
  });

  test("refuses a logger that lacks a method", () => {
    const logger = { warn() {} } as never;
    expect(() => createBroadcaster({ ...config, logger })).toThrow("logger must have debug, info");
  });

  test("has ended when its app has stopped", async () => {
    const broadcaster = createBroadcaster({ ...SMALL, ...config });
    const app = new Elysia({ adapter: shardcast(broadcaster) }).listen({ port: 0 });
    await app.stop();
    expect(broadcaster.state).toBe("ended");
  });

  test("names the slow clients, slowest first", async () => {
    const { ws, broadcaster } = serve({ ...config, bufferSize: 1_000_000 }, stream);
    const [reader, slow] = await Promise.all([subscriber(ws), subscriber(ws)]);
    expect(await broadcaster.slowClients()).toEqual([]);
    slow.socket.pause();
    await overwhelm(broadcaster, reader);
    const [first, ...others] = await broadcaster.slowClients(5);
    expect(others).toEqual([]);
    expect(first).toMatchObject({ address: "127.0.0.1", id: expect.stringMatching(/.+/) });
    expect(first?.lagBytes).toBeGreaterThan(0);
    const isSlow = () => total(broadcaster.stats(), ({ slow_clients }) => slow_clients) === 1;
    await until(isSlow, "the slow client to be counted");
    slow.terminate();
  });

  test("counts why clients left", async () => {
    const { ws, broadcaster } = serve(config, stream);
    const [polite, rude] = await Promise.all([subscriber(ws), subscriber(ws)]);
    await polite.close(1000);
    rude.terminate();
    const left = () =>
      total(broadcaster.stats(), (shard) => shard.closed_by_client + shard.closed_broken) === 2;
    await until(left, "both departures");
    expect(total(broadcaster.stats(), ({ closed_by_client }) => closed_by_client)).toBe(1);
  });

  test("refuses a client that the config cannot name", async () => {
    const printed = spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => printed.mockRestore());
    const clientId = () => {
      throw new Error("no name");
    };
    let heard = 0;
    const count = () => {
      heard += 1;
    };
    const { ws, app, broadcaster } = serve({ ...config, clientId }, (app) =>
      app.ws("/", { open: count, close: count }),
    );
    // Sharded it is refused, and otherwise closed right after the handshake.
    const end = connect(ws).then(
      async ({ closed }) => (await closed).code,
      () => 500,
    );
    expect([500, 1011]).toContain(await within(end, "the end"));
    await until(() => app.server?.pendingWebSockets === 0, "no client to be left");
    expect([heard, broadcaster.stats().total_clients]).toEqual([0, 0]);
  });
});

/** More than the kernel buffers for a client that does not read, while another does. */
async function overwhelm(
  broadcaster: { publish(channel: string, data: string): unknown },
  reader: TestClient,
): Promise<number> {
  const message = "x".repeat(200_000);
  const count = 80;
  for (let n = 0; n < count; n += 1) {
    broadcaster.publish("ticks", message);
    await reader.next();
  }
  return count;
}

const NOTHING_DROPPED: DroppedMessages = { slow: 0, skipped: 0, closed: 0, queueFull: 0 };

function sum({ slow, skipped, closed, queueFull }: DroppedMessages): number {
  return slow + skipped + closed + queueFull;
}

describe("the sharded broadcaster", () => {
  test("holds an iterable back while a worker is saturated, and loses nothing", async () => {
    const gate = Promise.withResolvers<void>();
    const count = 5_000;
    const config = { ...SMALL, queueMessages: 64, bufferSize: 1_000_000 };
    const broadcaster = createBroadcaster(config, {
      ticks: (async function* () {
        await gate.promise;
        for (let n = 0; n < count; n += 1) yield String(n);
      })(),
    });
    const { ws } = serveWith(broadcaster, stream);
    const client = await subscriber(ws);
    gate.resolve();
    const received = await client.take(count);
    expect(received).toEqual(Array.from({ length: count }, (_, n) => String(n)));
    const stats = broadcaster.stats();
    expect(total(stats, ({ messages_queue_full }) => messages_queue_full)).toBe(0);
  });

  test("tells which workers are saturated, and drops nothing by that", async () => {
    const config = { numShards: 1, saturationPercent: 1, queueMessages: 10_000 };
    const { ws, broadcaster } = serve({ ...config, bufferSize: 1_000_000 }, stream);
    const [client] = await Promise.all(Array.from({ length: 16 }, () => subscriber(ws)));
    const message = "x".repeat(10_000);
    let published = 0;
    let saturated = 0;
    let seen = false;
    // A publish is one copy, and its deliveries are sixteen: the queue fills.
    while (saturated < 10 || !seen) {
      const result = broadcaster.publish("ticks", message);
      expect(result).toMatchObject({ subscribers: 16, shards: 1, dropped: 0 });
      published += 1;
      saturated += result.saturated;
      seen ||= broadcaster.saturated;
    }
    await client?.take(published);
    await within(broadcaster.writable(), "relief");
    expect(broadcaster.saturated).toBe(false);
    const [shard] = shardsOf(broadcaster.stats());
    expect(shard).toMatchObject({ messages_saturated: saturated, saturated_workers: 0 });
    expect(shard?.saturations).toBeGreaterThan(0);
    expect(shard?.per_worker[0]?.saturations).toBe(shard?.saturations);
  });

  test("warns of full queues at most once a second, naming the shards", async () => {
    const logger = spyLogger();
    const { ws, broadcaster } = serve({ numShards: 1, queueMessages: 1, logger }, stream);
    await subscriber(ws);
    let dropped = 0;
    while (dropped < 1000) {
      const result = broadcaster.publish("ticks", "x");
      // Each subscriber counts, whether the queue takes the message or not.
      expect(result).toMatchObject({ subscribers: 1, shards: 1 - result.dropped });
      dropped += result.dropped;
    }
    const reconciliation = await broadcaster.reconcile();
    expect(reconciliation?.clients.dropped.queueFull).toBe(dropped);
    expect(reconciliation?.shards.dropped.queueFull).toBe(dropped);
    const [warning, ...others] = logged(logger, "warn");
    expect(others).toEqual([]);
    expect(warning?.fields).toEqual({ times: 1, shards: [0] });
    expect(warning?.message).toContain("worker queues are full");
  });

  test("tells what a slow client has missed, by channel", async () => {
    const missed = new Map<string, number>();
    const listener = (ws: ShardcastSocket, messages: MissedMessages[]) => {
      expect(ws.id).not.toBe("");
      for (const one of messages) {
        missed.set(one.channel, (missed.get(one.channel) ?? 0) + one.messages);
      }
    };
    const { ws, broadcaster } = serve(
      { dropSlowClients: false, bufferSize: 5, onSkip: listener },
      stream,
    );
    const reader = await subscriber(ws);
    const slow = await subscriber(`${ws}/?channels=ticks,news`);
    slow.socket.pause();
    let count = await overwhelm(broadcaster, reader);
    for (let n = 0; n < 7; n += 1) broadcaster.publish("news", "extra");
    count += await overwhelm(broadcaster, reader);
    await until(() => (missed.get("news") ?? 0) > 0, "the news to be missed");
    slow.socket.resume();
    // What is published while it is still behind might be skipped as well.
    await until(
      () => total(broadcaster.stats(), ({ slow_clients }) => slow_clients) === 0,
      "the slow client to catch up",
    );
    broadcaster.publish("ticks", "the end");
    const received: (string | Buffer)[] = [];
    while (received.at(-1) !== "the end") received.push(await slow.next());
    const news = received.filter((message) => message === "extra").length;
    const skipped = () => (missed.get("ticks") ?? 0) + (missed.get("news") ?? 0);
    await until(() => received.length + skipped() === count + 7 + 1, "the last of what is missed");
    expect(news + (missed.get("news") ?? 0)).toBe(7);
    const sums = total(broadcaster.stats(), ({ dropped_skipped }) => dropped_skipped);
    expect(sums).toBe(skipped());
  });

  test("reconciles its counts: the clients' delivery counts add up to the shards'", async () => {
    const { ws, broadcaster } = serve({ dropSlowClients: false, bufferSize: 5 }, stream);
    const reader = await subscriber(ws);
    const slow = await subscriber(ws);
    const gone = await subscriber(ws);
    slow.socket.pause();
    // What a worker had saved up when the socket refused bytes does not count against the client.
    const skipped = () => shardsOf(broadcaster.stats()).some((shard) => shard.dropped_skipped > 0);
    do await overwhelm(broadcaster, reader);
    while (!skipped());
    gone.terminate();
    const reconciliation = await broadcaster.reconcile();
    expect(reconciliation?.clients).toEqual(reconciliation?.shards as never);
    const { expected = 0, delivered = 0, pending = 0 } = reconciliation?.clients ?? {};
    const { dropped = NOTHING_DROPPED } = reconciliation?.clients ?? {};
    expect(expected).toBeGreaterThan(0);
    expect(dropped.skipped).toBeGreaterThan(0);
    expect(expected).toBe(delivered + sum(dropped) + pending);
    slow.terminate();
  });

  test("keeps delivery counts for each client", async () => {
    let socket: ShardcastSocket | undefined;
    const { ws, broadcaster } = serve({}, (app) =>
      app.ws("/", {
        open(ws) {
          socket = ws.raw as unknown as ShardcastSocket;
          ws.subscribe("ticks");
          ws.send("ready");
        },
      }),
    );
    const client = await subscriber(ws);
    for (let n = 0; n < 9; n += 1) broadcaster.publish("ticks", "x");
    await client.take(9);
    const dropped = NOTHING_DROPPED;
    const counts = { expected: 10, delivered: 10, dropped, pending: 0 };
    expect(await socket?.deliveryCounts()).toEqual(counts);
    await client.close();
    await until(() => socket?.readyState === 3, "the close");
    expect(await socket?.deliveryCounts()).toBeUndefined();
  });

  test("answers questions that are open when it ends", async () => {
    const { ws, broadcaster } = serve({}, stream);
    await subscriber(ws);
    const questions = [broadcaster.reconcile(), broadcaster.slowClients(3)];
    await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 0 });
    await within(Promise.all(questions), "the answers");
    expect(await broadcaster.reconcile()).toBeUndefined();
    expect(await broadcaster.slowClients()).toEqual([]);
  });
});
