import { describe, expect, spyOn, test } from "bun:test";
import type { Elysia } from "elysia";

import { PrometheusCollector, type ShardcastConfig } from "../../src/index";
import { refusedUpgrades } from "../../src/upgrades/refused-upgrades";
import { connect, refused, within } from "../helpers/client";
import { type Serving, serve } from "../helpers/serving";

const NONE = refusedUpgrades();

/**
 * Accepts every client but one with `?no`, and never decides on one with `?wait`.
 */
const routes = (app: Elysia) =>
  app.ws("/", {
    beforeHandle: ({ query, status }) => {
      if ("no" in query) return status(403);
      return "wait" in query ? new Promise<never>(() => {}) : undefined;
    },
  });

function serving(config: ShardcastConfig = {}): Serving {
  return serve({ numShards: 1, ...config }, routes);
}

describe("upgrades that are refused are counted", () => {
  test("by none at first, and not those that are accepted", async () => {
    const server = serving();
    await connect(server.ws);
    expect(server.broadcaster.stats()).toMatchObject(NONE);
  });

  test("as the app's, which answered otherwise", async () => {
    const server = serving();
    expect(await refused(`${server.ws}/?no`)).toMatchObject({ status: 403 });
    expect(await refused(`${server.ws}/nowhere`)).toMatchObject({ status: 404 });
    expect(server.broadcaster.stats()).toMatchObject({ ...NONE, refused_app: 2 });
  });

  test("as a full shard's", async () => {
    const server = serving({ maxClients: 1 });
    await connect(server.ws);
    expect(await refused(server.ws)).toMatchObject({ status: 503 });
    expect(server.broadcaster.stats()).toMatchObject({ ...NONE, refused_full: 1 });
  });

  test("as malformed", async () => {
    const server = serving();
    const headers = { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "8" };
    const response = await fetch(server.http, { headers });
    expect(response.status).toBe(426);
    expect(server.broadcaster.stats()).toMatchObject({ ...NONE, refused_malformed: 1 });
  });

  test("as one too many that waits, and as never decided", async () => {
    const server = serving({ maxPendingUpgrades: 1, upgradeTimeoutMs: 1000 });
    const first = refused(`${server.ws}/?wait`);
    // The one that comes first waits, whichever that is.
    const second = refused(`${server.ws}/?wait`);
    const bodies = (await Promise.all([first, second])).map(({ body }) => body);
    expect(bodies.sort()).toEqual([
      "the application took too long to decide\n",
      "too many WebSocket requests wait for a decision\n",
    ]);
    expect(server.broadcaster.stats()).toMatchObject({
      ...NONE,
      refused_busy: 1,
      refused_undecided: 1,
    });
  });

  test("in the metrics, by reason", async () => {
    const server = serving();
    const collector = new PrometheusCollector();
    collector.observe(server.broadcaster);
    await refused(`${server.ws}/?no`);
    const text = await collector.metrics();
    expect(text).toContain('shardcast_upgrades_refused_total{reason="app"} 1\n');
    expect(text).toContain('shardcast_upgrades_refused_total{reason="draining"} 0\n');
  });

  test("still after the end", async () => {
    const server = serving();
    await refused(`${server.ws}/?no`);
    await fetch(server.http, { headers: { upgrade: "websocket", connection: "upgrade" } });
    await within(server.broadcaster.shutdown(), "the end");
    expect(server.broadcaster.stats()).toMatchObject({
      ...NONE,
      refused_app: 1,
      refused_malformed: 1,
    });
  });
});

test("an answer that cannot be sent, of the error handler too, is 500 and ends nothing", async () => {
  const told = spyOn(console, "error").mockImplementation(() => {});
  const unsendable = () => new Response("no", { status: 403, headers: { "x-broken": "a\x01b" } });
  const { app, ws } = serve({}, (app) => app.ws("/", { beforeHandle: unsendable }));
  app.server?.reload({ fetch: app.fetch, error: unsendable } as never);
  expect((await refused(ws)).status).toBe(500);
  expect(told).toHaveBeenCalled();
  told.mockRestore();
});
