/** Clients that the server disconnects by itself are remembered for a while. */

import { describe, expect, test } from "bun:test";

import { MAX_DEPARTURES } from "../../src/sharded/clients/departures";
import { connect, until } from "../helpers/client";
import { serve } from "../helpers/serving";
import { start as startPage } from "../server/page/live-page";

const LIMITS = { maxPayloadLength: 10, bufferSize: 10 };

/** An app whose clients hear `ticks`, are named as they ask, and are closed if they say `bye`. */
function start() {
  const clientId = (request: Request) => new URL(request.url).searchParams.get("id") ?? "";
  return serve({ ...LIMITS, clientId }, (app) =>
    app.ws("/", {
      open: (ws) => void ws.subscribe("ticks"),
      message(ws) {
        ws.close(4000, "as you wish");
      },
    }),
  );
}

describe("departures", () => {
  test("tell of a slow client how far it lagged", async () => {
    const { broadcaster, ws } = start();
    const stalled = await connect(`${ws}/?id=sleepy`);
    stalled.socket.pause();
    const before = Date.now();
    await until(() => {
      broadcaster.publish("ticks", "x".repeat(100_000));
      return broadcaster.departures().length > 0;
    });
    const [departure] = broadcaster.departures();
    expect(departure).toMatchObject({
      ...{ id: "sleepy", address: "127.0.0.1", worker: 0, reason: "slow" },
      ...{ code: 1013, detail: "slow consumer" },
    });
    expect(departure?.lagMessages).toBeGreaterThan(LIMITS.bufferSize);
    expect(departure?.lagBytes).toBeGreaterThan(100_000);
    expect(departure?.at.getTime()).toBeWithin(before, Date.now() + 1);
  });

  test("tell of a client past a limit which one it was", async () => {
    const { broadcaster, ws } = start();
    const talker = await connect(`${ws}/?id=talker`);
    talker.socket.send("x".repeat(LIMITS.maxPayloadLength + 1));
    await until(() => broadcaster.departures().length > 0);
    expect(broadcaster.departures()).toMatchObject([
      { id: "talker", reason: "violation", code: 1009, detail: expect.stringMatching(/./) },
    ]);
  });

  test("leave out clients that close by themselves, or that the app has closed", async () => {
    const { broadcaster, ws } = start();
    const [leaver, closed, dropped] = await Promise.all([connect(ws), connect(ws), connect(ws)]);
    leaver?.socket.close();
    closed?.socket.send("bye");
    dropped?.socket.terminate();
    await until(() => broadcaster.stats().total_clients === 0);
    expect(broadcaster.departures()).toEqual([]);
  });

  test("are the last hundred, newest first, with ids that are cut", async () => {
    const { broadcaster, ws } = start();
    const total = MAX_DEPARTURES + 3;
    for (let n = 0; n < total; n += 1) {
      const id = `${n}-${"x".repeat(1000)}`;
      (await connect(`${ws}/?id=${id}`)).socket.send("x".repeat(LIMITS.maxPayloadLength + 1));
      await until(() => broadcaster.departures()[0]?.id.startsWith(`${n}-`) ?? false);
    }
    const ids = broadcaster.departures().map(({ id }) => id);
    expect(ids.map((id) => Number.parseInt(id, 10))).toEqual(
      Array.from({ length: MAX_DEPARTURES }, (_, n) => total - 1 - n),
    );
    expect(Math.max(...ids.map((id) => id.length))).toBe(200);
    expect(broadcaster.departures(1)).toHaveLength(1);
    expect(broadcaster.departures(0)).toEqual([]);
    expect(() => broadcaster.departures(-1)).toThrow("top must be");
  });

  test("are served to those who have the key", async () => {
    const { broadcaster, http, ws } = startPage(LIMITS, { apiKey: "key" });
    (await connect(`${ws}/stream?channels=a&id=talker`)).socket.send("x".repeat(11));
    await until(() => broadcaster.departures().length > 0);
    expect((await fetch(`${http}departures`)).status).toBe(401);
    const headers = { authorization: "Bearer key" };
    const answer = await fetch(`${http}departures`, { headers });
    expect(await answer.json()).toEqual(
      broadcaster.departures().map(({ at, ...rest }) => ({ ...rest, at: at.toISOString() })),
    );
  });

  test("are not known without sharding", async () => {
    const { broadcaster, ws } = serve({ ...LIMITS, useSharding: false }, (app) => app.ws("/", {}));
    (await connect(ws)).socket.send("x".repeat(11));
    await until(() => broadcaster.stats().total_clients === 0);
    expect(broadcaster.departures()).toEqual([]);
  });
});
