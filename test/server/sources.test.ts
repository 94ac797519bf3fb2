import { describe, expect, test } from "bun:test";
import { createBroadcaster } from "../../src/index";
import { lines } from "../../src/server/sources/lines";
import { type MarketOptions, market, type Trade } from "../../src/server/sources/market";
import { atRate, type Clock } from "../../src/server/sources/pace";
import { replay } from "../../src/server/sources/replay";
import { parseSource, parseSources } from "../../src/server/sources/spec";
import { stdin } from "../../src/server/sources/stdin";
import { synthetic } from "../../src/server/sources/synthetic";
import { feed } from "../../src/sources/feed";
import type { Source } from "../../src/sources/source";
import { connect } from "../helpers/client";
import { SMALL, serveWith } from "../helpers/serving";
import { temporaryFile } from "../helpers/temporary-file";

/** A clock on which sleeping takes no time at all. */
function instantClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return this.ms;
    },
    async sleep(ms) {
      this.ms += ms;
    },
  };
}

async function take<T>(messages: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const message of messages) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
}

/** The first messages of a source, all of which are text. */
async function texts(source: Source, count: number): Promise<string[]> {
  return (await take(source.messages(), count)).map(String);
}

function streamOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
}

describe("an even rate", () => {
  test("gives every number its own time", async () => {
    const clock = instantClock();
    const times: number[] = [];
    for await (const n of atRate(800, clock)) {
      times.push(clock.ms);
      if (n === 800) break;
    }
    expect(times[0]).toBe(0);
    expect(times[1]).toBeCloseTo(1.25);
    expect(times[800]).toBeCloseTo(1000);
  });

  test("catches up after a short delay and skips ahead after a long one", async () => {
    const clock = instantClock();
    const numbers = atRate(10, clock);
    await numbers.next();
    clock.ms = 550;
    for (let n = 1; n <= 5; n += 1) await numbers.next();
    expect(clock.ms).toBe(550);
    clock.ms = 60_000;
    await numbers.next();
    await numbers.next();
    expect(clock.ms).toBeCloseTo(60_100);
  });
});

describe("a synthetic source", () => {
  test("makes messages of exactly the size, numbered, with the time", async () => {
    const source = synthetic({ channel: "ticks", rate: 100, size: 64 }, instantClock());
    const beforeMs = Date.now();
    const messages = await texts(source, 1001);
    let lastTime = 0n;
    messages.forEach((message, n) => {
      expect(message).toHaveLength(64);
      const [, time, number] = /^\{"t":(\d+),"n":(\d+),"p":"x*"\}$/.exec(message) ?? [];
      expect(Number(number)).toBe(n);
      expect(BigInt(time ?? 0) >= lastTime).toBe(true);
      lastTime = BigInt(time ?? 0);
    });
    const timeMs = Number(lastTime / 1_000_000n);
    expect(timeMs).toBeGreaterThanOrEqual(beforeMs - 3);
    expect(timeMs).toBeLessThanOrEqual(Date.now() + 3);
  });
});

describe("a replayed file", () => {
  test("comes line by line, over and over", async () => {
    const file = temporaryFile("lines.ndjson", '{"a":1}\n\n{"a":2}\r\n[3]');
    const source = replay({ file, channel: "c", rate: 10, maxBytes: 100 }, instantClock());
    const expected = ['{"a":1}', '{"a":2}', "[3]", '{"a":1}'];
    expect(await take(source.messages(), 4)).toEqual(expected);
  });

  test.each([
    ["that does not exist", undefined, "does not exist"],
    ["without a message", "\n\n", "holds no message"],
    ["that is not JSON", "1\nno", "line 2"],
  ])("%s is an error", async (_what, content, message) => {
    const file =
      content === undefined ? "/nonexistent.ndjson" : temporaryFile("lines.ndjson", content);
    const source = replay({ file, channel: "c", rate: 10, maxBytes: 100 }, instantClock());
    expect(take(source.messages(), 3)).rejects.toThrow(message);
  });
});

describe("a market", () => {
  const options = { channel: "market", rate: 100, seed: 7 };

  async function trades(count: number, changed: Partial<MarketOptions> = {}): Promise<Trade[]> {
    const messages = await texts(market({ ...options, ...changed }, instantClock()), count);
    return messages.map((message) => JSON.parse(message));
  }

  test("is the same for a seed, and another for another", async () => {
    expect(await trades(100)).toEqual(await trades(100));
    expect(await trades(100)).not.toEqual(await trades(100, { seed: 8 }));
  });

  test("trades each of its stocks in a line that people can read", async () => {
    const messages = await texts(market(options, instantClock()), 1000);
    for (const message of messages) {
      expect(message).toMatch(
        /^\{"symbol":"[A-Z]+","price":\d+(\.\d+)?,"change":-?\d+(\.\d+)?,"volume":\d+\}$/,
      );
      expect(message.length).toBeLessThan(80);
    }
    const symbols = messages.map((message) => JSON.parse(message).symbol);
    expect(new Set(symbols).size).toBe(8);
  });

  test("moves its prices by little, in both directions, and never far however long it goes", async () => {
    const last = new Map<string, Trade>();
    const moves = { up: 0, down: 0 };
    for (const trade of await trades(100_000)) {
      const before = last.get(trade.symbol)?.price ?? trade.price;
      expect(Math.abs(trade.price / before - 1)).toBeLessThan(0.02);
      expect(Math.abs(trade.change)).toBeLessThan(25);
      expect(trade.volume).toBeGreaterThan(0);
      moves.up += Number(trade.price > before);
      moves.down += Number(trade.price < before);
      last.set(trade.symbol, trade);
    }
    expect(moves.up / moves.down).toBeCloseTo(1, 1);
  });
});

describe("lines", () => {
  test("are the same however the stream is cut", async () => {
    const whole = await take(lines(streamOf("one\ntwo\r\n\nfünf"), 100), 9);
    expect(whole).toEqual(["one", "two", "", "fünf"]);
    const cut = await take(lines(streamOf("o", "ne\ntw", "o\r", "\n\nf", "ünf"), 100), 9);
    expect(cut).toEqual(whole);
  });

  test("that are not UTF-8 are named", () => {
    const stream = new Blob([new Uint8Array([0x61, 0x0a, 0xff, 0x0a])]).stream();
    expect(take(lines(stream, 4), 9)).rejects.toThrow("line 2 is not UTF-8");
  });

  test("that are too long are named", async () => {
    expect(take(lines(streamOf("1234\r\n12345\n"), 4), 9)).rejects.toThrow("line 2");
    expect(take(lines(streamOf("1\n", "123", "456"), 4), 9)).rejects.toThrow("line 2");
  });
});

describe("feeding", () => {
  /** A broadcaster whose queue takes so many messages until it is waited for. */
  function sinkOf(capacity: number) {
    const published: string[] = [];
    let queued = 0;
    let waits = 0;
    return {
      published,
      waits: () => waits,
      publish(_channel: string, data: unknown) {
        queued += 1;
        if (queued > capacity) throw new Error("the queue is full");
        published.push(String(data));
        return { subscribers: 1, shards: 1, dropped: 0, saturated: 0 };
      },
      get saturated() {
        return queued >= capacity;
      },
      async writable() {
        queued = 0;
        waits += 1;
      },
    };
  }

  test("keeps a source waiting that can wait, and loses nothing", async () => {
    const numbers = Array.from({ length: 1000 }, (_, n) => String(n));
    const source = stdin({ channel: "c", maxBytes: 10 }, () => streamOf(numbers.join("\n")));
    const sink = sinkOf(16);
    await feed(source, sink, new AbortController().signal);
    expect(sink.published).toEqual(numbers);
    expect(sink.waits()).toBeGreaterThan(0);
  });

  test("leaves the thread to others, though a source always has another message", async () => {
    const endless: Source = {
      channel: "c",
      canWait: true,
      async *messages() {
        for (;;) yield "again";
      },
    };
    const ending = new AbortController();
    setTimeout(() => ending.abort(), 0);
    const sink = {
      ...sinkOf(1),
      publish: () => ({ subscribers: 1, shards: 1, dropped: 0, saturated: 0 }),
    };
    await feed(endless, sink, ending.signal);
  });

  test("ends when its signal is aborted", async () => {
    const ending = new AbortController();
    const publish = () => {
      ending.abort();
      return { subscribers: 1, shards: 1, dropped: 0, saturated: 0 };
    };
    const sink = { ...sinkOf(100), publish };
    const source = synthetic({ channel: "c", rate: 1000, size: 64 }, instantClock());
    await feed(source, sink, ending.signal);
  });
});

describe("a source's spec", () => {
  test("takes channel, rate and size", () => {
    const source = parseSource("synthetic:channel=ticks,rate=800,size=128", 1000);
    expect(source).toMatchObject({ channel: "ticks", canWait: false });
    expect(parseSource("stdin:channel=a/b", 1000)).toMatchObject({ channel: "a/b", canWait: true });
  });

  test("can name standard input once", () => {
    const specs = ["stdin:channel=a", "synthetic:channel=b,rate=1", "stdin:channel=c"];
    expect(parseSources(specs.slice(0, 2), 1000)).toHaveLength(2);
    expect(() => parseSources(specs, 1000)).toThrow('"stdin:channel=c": another source');
  });

  test.each([
    ["kafka:channel=a", "synthetic:…, replay:… or stdin:…"],
    ["synthetic:rate=1", "channel= is missing"],
    ["synthetic:channel=a b,rate=1", "channel"],
    ["synthetic:channel=a,rate=0", "rate must be an integer from 1"],
    ["synthetic:channel=a,rate=1e3", "in decimal digits, not 1e3"],
    ["synthetic:channel=a,rate=0x10", "in decimal digits, not 0x10"],
    ["market:channel=a", "rate= is missing"],
    ["market:channel=a,rate=1,seed=-1", "seed must be an integer from 0"],
    ["synthetic:channel=a,rate=1,size=63", "size must be an integer from 64"],
    ["synthetic:channel=a,rate=1,colour=red", "unknown parameter colour"],
    ["stdin:channel=a,channel=b", "twice"],
    ["stdin:channel", "is not name=value"],
    ["replay:file=/no.ndjson,channel=a,rate=1", "file /no.ndjson does not exist"],
    ["replay:file=/,channel=a,rate=1", "file / is a directory, not a file"],
  ])("names the part that is wrong: %s", (spec, message) => {
    expect(() => parseSource(spec, 1000)).toThrow(message);
    expect(() => parseSource(spec, 1000, "--source")).toThrow(`--source ${JSON.stringify(spec)}: `);
  });
});

test.each([true, false])(
  "a broadcaster publishes its sources: useSharding %p",
  async (useSharding) => {
    const gate = Promise.withResolvers<void>();
    const source = (message: string): Source => ({
      channel: "ticks",
      canWait: false,
      async *messages() {
        await gate.promise;
        yield message;
      },
    });
    const sources = [source("one"), source("two")];
    const { ws } = serveWith(createBroadcaster({ ...SMALL, useSharding }, sources), (app) =>
      app.ws("/", { open: (ws) => void ws.subscribe("ticks") }),
    );
    const client = await connect(ws);
    gate.resolve();
    expect(await client.take(2)).toEqual(["one", "two"]);
  },
);
