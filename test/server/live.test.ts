/** `/live`, with a timer that is moved by hand. */

import { expect, test } from "bun:test";
import { resolveConfig } from "../../src/config/config";
import { createBroadcaster } from "../../src/index";
import { Access } from "../../src/server/api/access";
import { live } from "../../src/server/live/live-route";
import { Ticking } from "../../src/server/live/ticking";
import { connect, until } from "../helpers/client";
import { SMALL, serveWith } from "../helpers/serving";
import { logged, spyLogger } from "../helpers/spy-logger";

/** A timer that fires when a test calls it. */
class HandTimer {
  intervalMs = 0;
  isGoing = false;
  #work = () => {};

  repeat = (work: () => void, intervalMs: number) => {
    Object.assign(this, { intervalMs, isGoing: true });
    this.#work = work;
    return () => {
      this.isGoing = false;
    };
  };

  fire(): void {
    if (this.isGoing) this.#work();
  }
}

function start() {
  const broadcaster = createBroadcaster(SMALL);
  const logger = spyLogger();
  const timer = new HandTimer();
  let looks = 0;
  const slowClients = broadcaster.slowClients.bind(broadcaster);
  broadcaster.slowClients = (top) => {
    looks += 1;
    return slowClients(top);
  };
  const { ws } = serveWith(broadcaster, (app) =>
    app.use(
      live({
        broadcaster,
        config: resolveConfig({ ...SMALL, logger }),
        access: new Access({}),
        about: "a test",
        sources: [],
        every: timer.repeat,
      }),
    ),
  );
  return { broadcaster, logger, timer, url: `${ws}/live`, looks: () => looks };
}

test("sends a snapshot at once, and then once a second", async () => {
  const { timer, url, looks } = start();
  const watcher = await connect(url);
  expect(JSON.parse(String(await watcher.next()))).toMatchObject({
    about: "a test",
    sharded: true,
  });
  expect(timer.intervalMs).toBe(1000);
  for (let ticks = 2; ticks < 5; ticks += 1) {
    timer.fire();
    await watcher.next();
    expect(looks()).toBe(ticks);
  }
});

test("looks once for two watchers", async () => {
  const { timer, url, looks } = start();
  const first = await connect(url);
  await first.next();
  const second = await connect(url);
  timer.fire();
  expect(await first.next()).toEqual(await second.next());
  expect(looks()).toBe(2);
});

test("does nothing without a client, and begins again with the next", async () => {
  const { broadcaster, timer, url, looks } = start();
  expect(timer.isGoing).toBe(false);
  const watcher = await connect(url);
  await watcher.next();
  await watcher.close();
  await until(() => broadcaster.subscriberCount("$live") === 0);
  timer.fire();
  expect(timer.isGoing).toBe(false);
  expect(looks()).toBe(1);
  const next = await connect(url);
  await next.next();
  expect(timer.isGoing).toBe(true);
  expect(looks()).toBe(2);
});

test("logs what it could not find out, and goes on with the next", async () => {
  const { broadcaster, logger, timer, url } = start();
  const slowClients = broadcaster.slowClients;
  broadcaster.slowClients = () => Promise.reject(new Error("unknown"));
  const watcher = await connect(url);
  await until(() => logged(logger, "error").length > 0);
  expect(logged(logger, "error")[0]?.fields).toEqual({ err: new Error("unknown") });
  broadcaster.slowClients = slowClients;
  timer.fire();
  expect(JSON.parse(String(await watcher.next()))).toMatchObject({ about: "a test" });
});

test("never starts a tick while another is under way", async () => {
  const timer = new HandTimer();
  let begun = 0;
  let end = () => {};
  const ticking = new Ticking({
    repeat: timer.repeat,
    intervalMs: 1,
    isWanted: () => true,
    begin: () => {},
    work() {
      begun += 1;
      return new Promise((resolve) => {
        end = resolve;
      });
    },
    failed: () => {},
  });
  ticking.start();
  for (let n = 0; n < 5; n += 1) timer.fire();
  expect(begun).toBe(1);
  end();
  // The tick ends in its turn, which is before this one goes on.
  await Promise.resolve();
  timer.fire();
  expect(begun).toBe(2);
});
