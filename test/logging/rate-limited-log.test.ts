/** What limits and failing callbacks of an app bring about: a line of the log, and no end of it. */

import { describe, expect, spyOn, test } from "bun:test";
import { Elysia } from "elysia";
import { CONFIG_KEYS } from "../../src/config/keys";
import { type Logger, shardcast } from "../../src/index";
import { guarded } from "../../src/logging/logger";
import { RateLimitedLog } from "../../src/logging/rate-limited-log";
import { Clients, type ClientsParts } from "../../src/sharded/clients/clients";
import {
  ShardcastSocket,
  type SkipListener,
  type SocketHost,
} from "../../src/sharded/clients/socket";
import type { CoreEvent } from "../../src/sharded/native";
import { connect, refused, within } from "../helpers/client";
import { SMALL, serve } from "../helpers/serving";
import { logged, type Spy, spyLogger } from "../helpers/spy-logger";

const CLIENT = 1;
type Closed = Extract<CoreEvent, { type: "Closed" }>;
const SLOW: Closed = {
  type: "Closed",
  client: CLIENT,
  code: 1013,
  reason: "slow consumer",
  disconnect: { cause: "slow" },
};

/** A registry with one client, and no core. */
function clients(logger: Spy, parts: Partial<ClientsParts> = {}): Clients {
  const registry = new Clients({
    handlers: { message: () => {} },
    onSkip: undefined,
    logger,
    log: new RateLimitedLog(logger),
    discard: () => {},
    answerPing: () => {},
    ...parts,
  });
  const peer = { handle: CLIENT, id: "a", address: "127.0.0.1", worker: 0 };
  registry.admit(CLIENT, new ShardcastSocket({ workersPerShard: 1 } as SocketHost, peer, {}));
  return registry;
}

describe("an onSkip that fails", () => {
  const failing: Record<string, SkipListener> = {
    "throws an error": () => {
      throw new Error("onSkip is broken");
    },
    rejects: async () => {
      throw new Error("onSkip is broken");
    },
  };
  for (const [how, onSkip] of Object.entries(failing)) {
    test(`is a line of the log when it ${how}, and ends nothing`, async () => {
      const logger = spyLogger();
      const missed = [{ channel: "ticks", messages: 2 }];
      const left = Promise.withResolvers<void>();
      const handlers = { message: () => {}, close: () => left.resolve() };
      const registry = clients(logger, { handlers, onSkip });
      registry.dispatch({ type: "Skipped", client: CLIENT, missed });
      registry.dispatch({ type: "Skipped", client: CLIENT, missed });
      expect(registry.get(CLIENT)?.skippedMessages).toBe(4);
      registry.dispatch({ type: "Closed", client: CLIENT, code: 1000, reason: "" });
      await within(left.promise, "the close handler");
      await new Promise(setImmediate);
      expect(logged(logger, "error")).toEqual([
        {
          level: "error",
          fields: expect.objectContaining({ times: 1, client: "a" }),
          message: "onSkip threw 1 times",
        },
      ]);
    });
  }
});

test("a logger that throws or rejects ends nothing", async () => {
  const broken = () => {
    throw new Error("the log is full");
  };
  const rejecting = async () => broken();
  const told = spyOn(console, "error").mockImplementation(() => {});
  for (const write of [broken, rejecting]) {
    const logger = { debug: write, info: write, warn: write, error: write };
    guarded(logger as Logger).warn({}, "a line");
  }
  await new Promise(setImmediate);
  expect(told).toHaveBeenCalledTimes(2);
  told.mockRestore();
});

test("a burst is one line at once, and one a second with how often since", async () => {
  const lines: unknown[] = [];
  const second = Promise.withResolvers<void>();
  const warn = (fields: object) => {
    if (lines.push(fields) === 2) second.resolve();
  };
  const log = new RateLimitedLog({ ...spyLogger(), warn });
  const start = performance.now();
  for (let n = 1; n <= 1000; n++) log.record("longMessage", { characters: n });
  expect(lines).toEqual([{ times: 1, characters: 1 }]);
  await second.promise;
  expect(lines[1]).toEqual({ times: 999, characters: 1000 });
  expect(performance.now() - start).toBeGreaterThan(950);
});

describe("the log has, at its default level, a line of", () => {
  test("slow clients that were disconnected, in one line a second", () => {
    const logger = spyLogger();
    for (let n = 0; n < 2; n += 1) clients(logger).dispatch(SLOW);
    const log = new RateLimitedLog(logger);
    for (let n = 0; n < 2; n += 1) clients(logger, { log }).dispatch(SLOW);
    const lines = logged(logger, "warn");
    expect(lines.map(({ fields }) => fields.times)).toEqual([1, 1, 1]);
    expect(lines[0]?.fields).toEqual({ times: 1, client: "a", shard: 0 });
    expect(lines[0]?.message).toContain("1013");
  });

  test("upgrades that a full shard has refused, in one line a second", async () => {
    const logger = spyLogger();
    const { ws } = serve({ ...SMALL, numShards: 1, maxClients: 1, logger }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready") }),
    );
    await (await connect(ws)).next();
    for (let n = 0; n < 3; n += 1) expect((await refused(ws)).status).toBe(503);
    const [line, ...others] = logged(logger, "warn");
    expect(line).toMatchObject({ fields: { times: 1 }, message: expect.stringContaining("503") });
    expect(others).toEqual([]);
  });

  test("a client with as many channels as it may have, whose handler is told by a throw", async () => {
    const logger = spyLogger();
    const limit = CONFIG_KEYS.maxChannelsPerClient.default;
    const { ws } = serve({ logger }, (app) =>
      app.ws("/", {
        open(ws) {
          for (let n = 0; n < limit; n += 1) ws.subscribe(`topic-${n}`);
          ws.send("all");
          ws.subscribe("one more");
        },
        error: ({ error }) => String(error),
      }),
    );
    const client = await connect(ws);
    expect(await client.take(2)).toEqual(["all", expect.stringContaining("channels")]);
    expect(logged(logger, "warn")).toMatchObject([
      { fields: { times: 1 }, message: expect.stringContaining("maxChannelsPerClient") },
    ]);
  });

  test("an adapter that was given to a plugin, and not to the app that listens", async () => {
    const logger = spyLogger();
    const plugin = new Elysia({ adapter: shardcast({ ...SMALL, logger }) }).ws("/", {
      open: (ws) => void ws.send("ready"),
    });
    const app = new Elysia().use(plugin).listen({ port: 0, hostname: "127.0.0.1" });
    const client = await connect(`ws://127.0.0.1:${app.server?.port}/`);
    await client.next();
    await client.close();
    await app.stop(true);
    expect(logged(logger, "warn")).toMatchObject([
      { message: expect.stringContaining("not to a plugin") },
    ]);
  });
});
