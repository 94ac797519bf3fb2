/** What we wait for is not the clock of an app, which its tests may hold. */

import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { RateLimitedLog } from "../../src/logging/rate-limited-log";
import { atMost, Pause, pause, pollUntil } from "../../src/process/wait";
import { feed } from "../../src/sources/feed";
import { connect } from "../helpers/client";
import { serve } from "../helpers/serving";
import { spyLogger } from "../helpers/spy-logger";

const never = () => new Promise<void>(() => {});

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])("a stop ends, with clients there: %s", async (_name, config) => {
  const { app, ws } = serve(config, (app) => app.ws("/", {}));
  const client = await connect(ws);
  await app.stop(true);
  expect([1001, 1006]).toContain((await client.closed).code);
});

test.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])(
  "a shutdown ends, spread over a time and with a request under way: %s",
  async (_name, config) => {
    const reached = Promise.withResolvers<void>();
    const { http, ws, broadcaster } = serve(config, (app) =>
      app.ws("/", {}).get("/never", () => {
        reached.resolve();
        return never();
      }),
    );
    const clients = [await connect(ws), await connect(ws), await connect(ws)];
    const answer = fetch(`${http}/never`).catch(() => {});
    await reached.promise;
    await broadcaster.shutdown({ spreadMs: 30, timeoutMs: 100 });
    for (const client of clients) expect((await client.closed).code).toBe(1001);
    await answer;
  },
);

test("a source that always has a message lets others have their turns", async () => {
  const ending = new AbortController();
  let published = 0;
  async function* messages() {
    for (;;) yield "message";
  }
  const source = { channel: "ticks", canWait: false, description: "", messages };
  const sink = {
    publish: () => {
      published += 1;
      return { shards: 0, dropped: 0, saturated: 0 };
    },
    saturated: false,
    writable: never,
  };
  setImmediate(() => ending.abort());
  await feed(source as never, sink as never, ending.signal);
  expect(published).toBeGreaterThan(0);
});

test("a rate-limited line is written again", async () => {
  const times: number[] = [];
  const written = Promise.withResolvers<void>();
  const logger = {
    ...spyLogger(),
    warn(fields: object) {
      times.push((fields as { times: number }).times);
      if (times.length === 2) written.resolve();
    },
  };
  const log = new RateLimitedLog(logger);
  for (let time = 0; time < 3; time += 1) log.record("shardFull");
  await written.promise;
  expect(times).toEqual([1, 2]);
});

test("a wait has a limit", async () => {
  expect(await pollUntil(() => false, { everyMs: 1, timeoutMs: 20 })).toBe(false);
  let looks = 0;
  const thirdLook = () => {
    looks += 1;
    return looks === 3;
  };
  expect(await pollUntil(thirdLook, { everyMs: 1 })).toBe(true);
  await atMost(never(), 10);
  await pause(10);
  const long = new Pause(Number.POSITIVE_INFINITY);
  long.end();
  await long.over;
});
