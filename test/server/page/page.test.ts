/** The live page, in a browser. */

import { describe, expect, spyOn } from "bun:test";
import type { Page } from "playwright-core";

import {
  type ShardCounters,
  shardStats,
  shardsOf,
  type WorkerStats,
} from "../../../src/stats/stats";
import { connect, until } from "../../helpers/client";
import { AWAY, flow, open, REFUSED, type Started, says, seen, start, status } from "./live-page";
import { contrast, drawnColumns, watchShifts } from "./page-eyes.js";

/** Has the first worker show other figures than it has. */
function pretend({ broadcaster }: Started, figures: Partial<WorkerStats>): void {
  const stats = broadcaster.stats.bind(broadcaster);
  spyOn(broadcaster, "stats").mockImplementation(() => {
    const [first, ...others] = shardsOf(stats()) as [ShardCounters, ...ShardCounters[]];
    const [worker, ...workers] = first.per_worker as [WorkerStats, ...WorkerStats[]];
    const per_worker = [{ ...worker, ...figures }, ...workers];
    return shardStats([{ ...first, per_worker }, ...others]);
  });
}

/** What is to be seen, on which ground, by which property. */
const DRAWN = [
  [".worker", ".worker", "borderTopColor"],
  [".worker", "#figures", "borderTopColor"],
  [".worker .busy", ".worker", "backgroundColor"],
  [".worker .queue", ".worker", "backgroundColor"],
  ["#channel", "#figures", "borderTopColor"],
  ["#channel", "#channel", "borderTopColor"],
  ["#channel-search", "#figures", "borderTopColor"],
  ["#pause", "#figures", "borderTopColor"],
];
const DRAWN_WHEN_STUCK = [
  [".worker.stuck", "#figures", "borderTopColor"],
  [".worker.saturated .busy", ".worker:not(.stuck)", "backgroundColor"],
  [".worker.saturated .queue", ".worker:not(.stuck)", "backgroundColor"],
];

/** What of these is not to be seen: WCAG 2 wants 3:1 of what is no text. */
async function faint(page: Page, drawn: string[][]): Promise<string[]> {
  const all = drawn.map(
    async (one) => [one.join(" "), await page.evaluate(contrast, one)] as const,
  );
  return (await Promise.all(all)).filter(([, ratio]) => ratio < 3).map(String);
}

const text = (page: Page, selector: string) => page.locator(selector).textContent();

/** Where the first line of a chart is to be seen. */
const drawn = (page: Page, chart: string) => page.locator(`${chart} canvas`).evaluate(drawnColumns);

describe("the page", () => {
  seen("connects, and its figures move when messages flow", async () => {
    const server = start();
    await connect(`${server.ws}/stream?channels=ticks`);
    const page = await open(server);
    await status(page, "connected");
    await says(page, "#clients", /^3$/);
    await says(page, "#messages", /^0$/);
    await says(page, "#megabytes", /^0$/);
    await says(page, "#p99", /–/);
    flow((n) => server.broadcaster.publish("ticks", `{"n":${n},"p":"${"x".repeat(10_000)}"}`));
    await says(page, "#messages", /^[1-9]/);
    await says(page, "#deliveries", /^[1-9]/);
    await says(page, "#megabytes", /^[\d.]*[1-9]/);
    await says(page, "#p99", /ms$/);
    await says(page, "#p50", /^p50 .*ms$/);
    await says(page, "#channels td:nth-child(1)", /^ticks$/);
    await says(page, "#channels td:nth-child(2)", /^2$/);
    await says(page, "#channels td:nth-child(3)", /^[1-9]/);
    await says(page, "#stream li", /^\{"n":\d+,"p":"x+…$/);
  });

  seen("draws its charts, and describes them in their labels", async () => {
    const server = start();
    const page = await open(server);
    await status(page, "connected");
    flow(() => server.broadcaster.publish("ticks", "x"));
    await says(page, "#chart-times .accent", /^p50.*ms$/);
    await says(page, "#chart-times .second", /^p99.*ms$/);
    for (const chart of ["#chart-deliveries", "#chart-times", "#chart-clients"]) {
      while ((await drawn(page, chart)).length === 0) await says(page, "#messages", /\d/);
    }
    const label = await page.locator("#chart-clients .plot").getAttribute("aria-label");
    expect(label).toMatch(/^Clients in the last two minutes: now \d+, at most \d+$/);
  });

  seen("shows a client that has stalled as slow", async () => {
    const server = start({ dropSlowClients: false, bufferSize: 1_000_000 });
    const stalled = await connect(`${server.ws}/stream?channels=ticks&id=sleepy`);
    stalled.socket.pause();
    const page = await open(server);
    await says(page, "#slow", /^No client lags now\.$/);
    flow(() => server.broadcaster.publish("ticks", "x".repeat(100_000)));
    await says(page, "#slow td:nth-child(1)", /^sleepy$/);
    await says(page, "#slow td:nth-child(3)", /^[1-9][\d,]* messages?[\d.]+\s[kM]B$/);
  });

  seen("shows what was dropped, and why", async () => {
    const server = start({ dropSlowClients: false, bufferSize: 10 });
    const stalled = await connect(`${server.ws}/stream?channels=other`);
    stalled.socket.pause();
    const page = await open(server);
    await says(page, "#dropped", /^none since the start$/);
    flow(() => server.broadcaster.publish("other", "x".repeat(100_000)));
    await says(page, "#dropped-rate", /^[1-9]/);
    await says(page, "#dropped", /^since the start: skipped [1-9]/);
  });

  seen("names the clients that the server has thrown out, also to who comes later", async () => {
    const server = start({ bufferSize: 10 });
    const stalled = await connect(`${server.ws}/stream?channels=other&id=sleepy`);
    stalled.socket.pause();
    await until(() => {
      server.broadcaster.publish("other", "x".repeat(100_000));
      return server.broadcaster.departures().length > 0;
    });
    const page = await open(server);
    await says(page, "#departures td:nth-child(1)", /^\d\d:\d\d:\d\d$/);
    await says(page, "#departures td:nth-child(2)", /^sleepy127\.0\.0\.1, worker \d\/0$/);
    await says(page, "#departures td:nth-child(3)", /^Too slow\d+ messages, [\d.]+\sMB$/);
    await says(page, "#departures-note", /^1 client since the start\.$/);
    await says(page, "#verdict[data-level=ticket] [role=status]", /^Warning: .*they were slow\.$/);
  });

  seen("shows that all is well, and is red when a critical rule holds", async () => {
    const server = start();
    const page = await open(server);
    await says(page, "#verdict[data-level=good] [role=status]", /^All is well\./);
    expect(await page.title()).toBe("shardcast");
    pretend(server, { failures: 1 });
    await says(page, "#verdict[data-level=page] [role=status]", /^Critical: A worker failed/);
    await says(page, "#verdict-note", /^once\. Rule: ShardcastWorkerFailed\./);
    expect(await page.title()).toBe("Critical: shardcast");
  });

  seen("shows which worker has the clients, and how busy it is", async () => {
    const server = start({ numShards: 1, workersPerShard: 2 });
    // One id, one worker.
    const clients = Array.from({ length: 20 }, () =>
      connect(`${server.ws}/stream?channels=ticks&id=same`),
    );
    await Promise.all(clients);
    const page = await open(server);
    flow(() => server.broadcaster.publish("ticks", "x".repeat(1000)));
    await says(page, ".worker b", /^2\d$/);
    await says(page, ".worker b", /^[012]$/);
    const laden = page.locator(".worker").filter({ hasText: /^2\d$/ });
    await laden.locator(".busy:not([style*='scaleY(0)'])").waitFor({ state: "attached" });
  });

  seen("marks a worker that is stuck, and goes on", async () => {
    const server = start();
    const page = await open(server);
    await status(page, "connected");
    expect(await page.locator("#stuck").isVisible()).toBe(false);
    pretend(server, { queue_messages: 8192, busy_seconds: 1 });
    spyOn(server.broadcaster, "slowClients").mockReturnValue(new Promise(() => {}));
    await page.locator(".worker.stuck").waitFor();
    await says(page, "#stuck", /^1 worker stuck \(0\/0\): messages wait/);
    await says(page, "#worker", /^Worker 0\/0: .* 8,192 messages queued \(50 % full\), stuck$/);
    const bar = await page.locator(".worker.stuck .queue").getAttribute("style");
    expect(bar).toContain("scaleY(0.5)");
    await says(page, "#slow-note", /^As of \d+ s ago/);
    await status(page, "connected");
  });

  seen("shows how many workers it leaves out", async () => {
    const server = start();
    const page = await open(server);
    const workers = Array.from(
      { length: 600 },
      () => shardsOf(server.broadcaster.stats())[0]?.per_worker[0] as WorkerStats,
    );
    const [shard] = shardsOf(server.broadcaster.stats()) as [ShardCounters];
    const crowd = shardStats([shard, shard].map((shard) => ({ ...shard, per_worker: workers })));
    spyOn(server.broadcaster, "stats").mockReturnValue(crowd);
    await says(page, "#left-out", /^And 600 workers of later shards\.$/);
  });

  seen("is back after a restart of the server, with its figures and its stream", async () => {
    const first = start();
    const page = await open(first, { tolerates: AWAY });
    await status(page, "connected");
    await says(page, "#stream-state", /^Listening to ticks/);
    await first.app.stop(true);
    await status(page, "disconnected");
    await says(page, "#verdict", /^\s*Unknown\. The server does not answer\./);
    await says(page, "#stream-state", /Next attempt in \d+ s/);
    const second = start({}, { port: first.port });
    await status(page, "connected");
    flow((n) => second.broadcaster.publish("ticks", `after ${n}`));
    await says(page, "#messages", /^[1-9]/);
    await says(page, "#stream li", /^after \d+$/);
    await page.locator("body:not(.stale)").waitFor();
  });

  seen("notices a server that has gone silent, and shows that its figures are old", async () => {
    const server = start();
    const page = await open(server);
    await says(page, "#chart-clients .key", /^\d+$/);
    const opacity = "Number(getComputedStyle(document.querySelector('#figures > dl')).opacity)";
    expect(await page.evaluate(opacity)).toBe(1);
    const silence = spyOn(server.broadcaster, "subscriberCount").mockReturnValue(0);
    await page.locator("body.stale").waitFor();
    expect(await page.evaluate(opacity)).toBeLessThan(1);
    silence.mockRestore();
    await page.locator("body:not(.stale)").waitFor();
    // The line has a gap where the page was away.
    const gaps = async () => {
      const columns = await drawn(page, "#chart-clients");
      return columns.map((x, n) => x - (columns[n - 1] ?? x)).filter((step) => step > 10);
    };
    while ((await gaps()).length === 0) await says(page, "#clients", /\d/);
  });

  seen("publishes, and shows the result", async () => {
    const server = start({ maxPayloadLength: 1000 });
    const client = await connect(`${server.ws}/stream?channels=news`);
    const page = await open(server, { tolerates: REFUSED });
    await status(page, "connected");
    await page.fill("#publish-channel", "news");
    await page.fill("#message", "from the page");
    await page.click("#publish button");
    expect(await client.next()).toBe("from the page");
    await says(page, "#published", /^Published to 1 subscriber\.$/);
    await page.fill("#publish-channel", "unheard");
    await page.click("#publish button");
    await says(page, "#published", /^Published to 0 subscribers\.$/);
    spyOn(server.broadcaster, "publish").mockReturnValueOnce({
      subscribers: 0,
      shards: 0,
      dropped: 2,
      saturated: 0,
    });
    await page.click("#publish button");
    await says(page, "#published", /^Dropped by 2 workers: the queues are full\.$/);
    await page.fill("#message", "x".repeat(1001));
    await page.click("#publish button");
    await says(page, "#published", /too long|413/);
    await page.fill("#publish-channel", "no name");
    await page.click("#publish button");
    await page.locator("#publish-channel:invalid:focus").waitFor();
  });

  seen("can be used by the keyboard alone, and pauses the stream", async () => {
    const server = start({ numShards: 1, workersPerShard: 2 });
    const page = await open(server);
    await status(page, "connected");
    flow((n) => server.broadcaster.publish("other", `message ${n}`));
    await page.focus("#channel");
    await page.fill("#channel", "other");
    await page.keyboard.press("Enter");
    await says(page, "#stream li", /^message \d+$/);
    for (const press of ["Tab", "Tab", "Enter"]) await page.keyboard.press(press);
    await says(page, "#pause", /^Resume \(\d+\)$/);
    const before = await text(page, "#stream li:first-child");
    await says(page, "#pause", /^Resume \([1-9]\d+\)$/);
    expect(await text(page, "#stream li:first-child")).toBe(before);
    await page.keyboard.press("Enter");
    await says(page, "#pause", /^Pause$/);
    await page
      .locator("#stream li:first-child")
      .getByText(String(before), { exact: true })
      .waitFor({
        state: "detached",
      });
    await page.keyboard.press("Tab");
    await page.locator("#stream:focus").waitFor();
    await page.focus(".worker");
    await says(page, "#worker", /^Worker 0\/0: /);
    await page.keyboard.press("ArrowRight");
    await says(page, "#worker", /^Worker 0\/1: \d+ clients?, .* queued/);
    await page.fill("#publish-channel", "other");
    await page.keyboard.press("Tab");
    await page.keyboard.type("typed");
    await page.keyboard.press("Control+Enter");
    await says(page, "#published", /^Published to 1 subscriber\.$/);
  });

  seen(
    "listens to a channel that is chosen in the table, which keeps what is selected",
    async () => {
      const server = start();
      await connect(`${server.ws}/stream?channels=other`);
      const page = await open(server);
      flow((n) => server.broadcaster.publish("other", `message ${n}`));
      await page.getByRole("button", { name: "other" }).click();
      await says(page, "#stream-state", /^Listening to other\.$/);
      await says(page, "#stream li", /^message \d+$/);
      await page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#channels td'))",
      );
      const rate = await text(page, "#channels td:nth-child(3)");
      await says(page, "#channels td:nth-child(3)", new RegExp(`^(?!${rate}$)`));
      expect(await page.evaluate("String(getSelection())")).toBe("other");
    },
  );

  seen("shows channels with their whole names and their totals, and finds the others", async () => {
    const server = start();
    const names = Array.from({ length: 60 }, (_, n) => `${n}:${"long-name.".repeat(19)}`);
    const channels = [...names.slice(0, 60), "needle"].join(",");
    await connect(`${server.ws}/stream?channels=${channels}`);
    for (const name of names) server.broadcaster.publish(name, "x");
    const page = await open(server, { viewport: { width: 390, height: 800 } });
    await says(
      page,
      "#channels-note",
      /^62 channels, 62 subscriptions\. Here are the 50 busiest\.$/,
    );
    const isCut =
      "[...document.querySelectorAll('#channels td')].some((td) => td.scrollWidth > td.clientWidth)";
    expect(await page.evaluate(isCut)).toBe(false);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(await page.getByRole("button", { name: "needle" }).count()).toBe(0);
    await page.fill("#channel-search", "need");
    await says(page, "#channels-note", /^1 channel with “need” in the name\.$/);
    server.broadcaster.publish("needle", "x");
    await page.getByRole("button", { name: "needle" }).click();
    await says(page, "#stream-state", /^Listening to needle\.$/);
    await says(page, "#channels td:nth-child(3)", /^[\d.]+$/);
    await page.fill("#channel-search", "unheard");
    await says(page, "#channels", /^No channel is called so\.$/);
    await page.fill("#channel-search", "");
    await says(page, "#channels-note", /^61 channels/);
  });

  seen("does not shift while its figures change", async () => {
    const server = start();
    await connect(`${server.ws}/stream?channels=other`);
    const page = await open(server);
    await says(page, "#channels", /other/);
    await page.evaluate(watchShifts);
    flow((n) => {
      if (n % 2 === 0) server.broadcaster.publish("other", "x".repeat(n * 100));
    });
    await says(page, "#deliveries", /^[1-9]\d/);
    const shown = await text(page, "#deliveries");
    await says(page, "#deliveries", new RegExp(`^(?!${shown}$)`));
    expect(await page.evaluate("shifts")).toEqual([]);
  });

  seen("shows that there are no channels in a text that cannot be clicked", async () => {
    const server = start();
    const page = await open(server);
    await page.getByRole("button", { name: "ticks" }).waitFor();
    const empty = spyOn(server.broadcaster, "channels").mockReturnValue([]);
    await says(page, "#channels", /^No channel has subscribers\.$/);
    expect(await page.locator("#channels button").count()).toBe(0);
    empty.mockRestore();
    await page.getByRole("button", { name: "ticks" }).waitFor();
  });

  seen("takes names and messages as text", async () => {
    const server = start({ dropSlowClients: false, bufferSize: 1_000_000 });
    const evil = "<img src=x onerror=\"document.title='owned'\">";
    const id = encodeURIComponent(evil);
    const stalled = await connect(`${server.ws}/stream?channels=ticks&id=${id}`);
    stalled.socket.pause();
    const page = await open(server, { tolerates: REFUSED });
    await says(page, "#stream-state", /^Listening/);
    await fetch(`${server.http}publish/ticks`, { method: "POST", body: evil });
    await says(page, "#stream li", /^<img/);
    flow(() => server.broadcaster.publish("ticks", "x".repeat(100_000)));
    await says(page, "#slow td", /^<img/);
    // The server has to refuse what the form does not send.
    await page.evaluate("document.querySelector('#publish').noValidate = true");
    await page.fill("#publish-channel", evil);
    await page.fill("#message", evil);
    await page.click("#publish button");
    await says(page, "#published", /<img/);
    expect(await page.title()).toBe("shardcast");
    expect(await page.locator("main img").count()).toBe(0);
  });

  seen("shows what is unknown without sharding", async () => {
    const server = start({ useSharding: false });
    const page = await open(server);
    flow(() => server.broadcaster.publish("ticks", "x"));
    await says(page, "#messages", /^[1-9]/);
    await says(page, "#channels", /^Bun does not name its channels\.$/);
    await says(page, "#verdict", /^\s*Unknown\./);
    for (const figure of ["#megabytes", "#dropped-rate", "#p99"]) await says(page, figure, /^–$/);
    await page.locator("#unsharded-hint").waitFor();
    for (const hidden of ["#shards", "#sharded-hint", "#worker"]) {
      expect(await page.locator(hidden).isVisible()).toBe(false);
    }
  });

  for (const colorScheme of ["light", "dark"] as const) {
    seen(`fits a phone, and can be read, in ${colorScheme}`, async () => {
      const server = start({ numShards: 4, workersPerShard: 4 });
      const { broadcaster } = server;
      flow((n) => broadcaster.publish("ticks", `{"n":${n},"p":"${"x".repeat(200)}"}`));
      const viewport = { width: 360, height: 740 };
      const page = await open(server, { viewport, colorScheme });
      await says(page, "#messages", /^[1-9]/);
      const width = await page.evaluate("document.documentElement.scrollWidth");
      expect(width).toBe(viewport.width);
      for (const ground of [".worker", ".worker .busy"]) {
        expect(await page.evaluate(contrast, [".worker b", ground])).toBeGreaterThan(4.5);
      }
      expect(await faint(page, DRAWN)).toEqual([]);
      pretend(server, { queue_messages: 1, busy_seconds: 1, saturated: true });
      await page.locator(".worker.stuck").waitFor();
      const verdict = [`#verdict-level`, "#verdict[data-level=page]"];
      expect(await page.evaluate(contrast, verdict)).toBeGreaterThan(4.5);
      expect(await faint(page, DRAWN_WHEN_STUCK)).toEqual([]);
      for (const ground of [".worker.stuck", ".worker.stuck .busy"]) {
        expect(await page.evaluate(contrast, [".worker.stuck b", ground])).toBeGreaterThan(4.5);
      }
    });
  }

  for (const colorScheme of ["light", "dark"] as const) {
    seen(`shows bars and buttons in forced colours, in ${colorScheme}`, async () => {
      const server = start();
      const page = await open(server, { forcedColors: "active", colorScheme });
      await status(page, "connected");
      expect(await faint(page, DRAWN)).toEqual([]);
      for (const label of [".worker b", "#listen [type=submit]"]) {
        expect(await page.evaluate(contrast, [label, label])).toBeGreaterThan(4.5);
      }
    });
  }

  seen("changes with the system between light and dark", async () => {
    const server = start();
    const page = await open(server, { colorScheme: "light" });
    await status(page, "connected");
    const ground = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await ground()).not.toEqual(light);
    while ((await drawn(page, "#chart-clients")).length === 0) await says(page, "#clients", /\d/);
  });
});
