/** The live page, in a browser. */

import { describe, expect, onTestFinished, test } from "bun:test";
import type { Page } from "playwright-core";

import { createApp } from "../src/app";
import { resolveConfig, type ShardcastConfig } from "../src/config";
import { visit, whyNoBrowser, withoutBrowser } from "./browser";
import { connect } from "./client";
import { SMALL } from "./serving";

/** For a browser to start, and for a page that shows something every second. */
const PATIENCE_MS = 60_000;

/** The ready-made server, until the test ends. */
function start(config: ShardcastConfig = {}, options: { apiKey?: string; port?: number } = {}) {
  const { apiKey, port = 0 } = options;
  const resolved = resolveConfig({ ...SMALL, ...config });
  const { app, broadcaster } = createApp({ config: resolved, channels: ["ticks"], apiKey });
  app.listen({ port, hostname: "127.0.0.1" });
  onTestFinished(async () => {
    if (app.server) await app.stop(true);
  });
  const host = `127.0.0.1:${app.server?.port}`;
  return { app, broadcaster, http: `http://${host}/`, ws: `ws://${host}` };
}

/** Publishes until the test ends. */
function flow(publish: (n: number) => void): void {
  let n = 0;
  const timer = setInterval(() => publish(n++), 5);
  onTestFinished(() => clearInterval(timer));
}

const text = (page: Page, selector: string) => page.locator(selector).textContent();

/** Waits until the element says something of this form. */
async function says(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: pattern }).first().waitFor();
}

const status = (page: Page, state: string) =>
  page.locator(`#status[data-state="${state}"]`).waitFor();

describe.skipIf(withoutBrowser)(`the page${whyNoBrowser}`, () => {
  test(
    "connects, and its figures move when messages flow",
    async () => {
      const { broadcaster, http, ws } = start();
      await connect(`${ws}/stream?channels=ticks`);
      const { page, complaints } = await visit(http);
      await status(page, "connected");
      await says(page, "#clients", /^3$/);
      await says(page, "#messages", /^0$/);
      await says(page, "#p99", /–/);
      flow((n) => broadcaster.publish("ticks", `{"n":${n}}`));
      await says(page, "#messages", /^[1-9]/);
      await says(page, "#deliveries", /^[1-9]/);
      await says(page, "#p99", /ms$/);
      await says(page, "#channels td:nth-child(1)", /^ticks$/);
      await says(page, "#channels td:nth-child(2)", /^2$/);
      await says(page, "#channels td:nth-child(3)", /^[1-9]/);
      await says(page, "#stream li", /^\{"n":\d+\}$/);
      expect(await page.locator(".worker").count()).toBe(2);
      expect(await page.locator("canvas").count()).toBe(3);
      expect(complaints).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    "shows a client that has stalled as slow",
    async () => {
      const { broadcaster, http, ws } = start({ dropSlowClients: false, bufferSize: 1_000_000 });
      const stalled = await connect(`${ws}/stream?channels=ticks&id=sleepy`);
      stalled.socket.pause();
      const { page } = await visit(http);
      await says(page, "#slow", /Every client keeps up/);
      flow(() => broadcaster.publish("ticks", "x".repeat(100_000)));
      await says(page, "#slow td:nth-child(1)", /^sleepy$/);
      await says(page, "#slow td:nth-child(3)", /^[1-9]/);
    },
    PATIENCE_MS,
  );

  test(
    "is back after a restart of the server",
    async () => {
      const first = start();
      const { page } = await visit(first.http);
      await status(page, "connected");
      const port = first.app.server?.port as number;
      await first.app.stop(true);
      await status(page, "disconnected");
      start({}, { port });
      await status(page, "connected");
    },
    PATIENCE_MS,
  );

  test(
    "publishes, and says what became of it",
    async () => {
      const { http, ws } = start();
      const client = await connect(`${ws}/stream?channels=news`);
      const { page, complaints } = await visit(http);
      await page.fill("#publish-channel", "news");
      await page.fill("#message", "from the page");
      await page.click("#publish button");
      expect(await client.next()).toBe("from the page");
      await says(page, "#published", /^Published to 1 shard\.$/);
      await page.fill("#publish-channel", "no name");
      await page.click("#publish button");
      await says(page, "#published", /must be 1 to 200 characters/);
      // A browser writes of an answer of 400 by itself.
      expect(complaints.filter((complaint) => !complaint.includes("400"))).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    "asks for the API key where there is one, and takes no other",
    async () => {
      const { http } = start({}, { apiKey: "sésame" });
      const { page } = await visit(http);
      const dialog = page.locator("dialog[open]");
      for (const key of ["wrong", "sésame"]) {
        await dialog.waitFor();
        await page.fill("#key-input", key);
        await page.keyboard.press("Enter");
      }
      await status(page, "connected");
      await says(page, "#clients", /^2$/);
      await page.fill("#message", "with the key");
      await page.click("#publish button");
      await says(page, "#published", /^Published/);
    },
    PATIENCE_MS,
  );

  test(
    "can be used by the keyboard alone, and pauses the stream",
    async () => {
      const { broadcaster, http } = start();
      const { page } = await visit(http);
      await status(page, "connected");
      flow((n) => broadcaster.publish("other", `message ${n}`));
      await page.focus("#channel");
      await page.fill("#channel", "other");
      await page.keyboard.press("Enter");
      await says(page, "#stream li", /^message \d+$/);
      for (const press of ["Tab", "Tab", "Enter"]) await page.keyboard.press(press);
      await page.locator('#pause[aria-pressed="true"]').waitFor();
      const before = await text(page, "#stream li:first-child");
      await says(page, "#channels", /other/);
      expect(await text(page, "#stream li:first-child")).toBe(before);
    },
    PATIENCE_MS,
  );

  for (const colorScheme of ["light", "dark"] as const) {
    test(
      `fits a phone, in ${colorScheme}`,
      async () => {
        const { broadcaster, http } = start({ numShards: 4, workersPerShard: 4 });
        flow((n) => broadcaster.publish("ticks", `{"n":${n},"p":"${"x".repeat(200)}"}`));
        const viewport = { width: 360, height: 740 };
        const { page, complaints } = await visit(http, { viewport, colorScheme });
        await says(page, "#messages", /^[1-9]/);
        const width = await page.evaluate("document.documentElement.scrollWidth");
        expect(width).toBe(viewport.width);
        const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
        expect(background).toBe(colorScheme === "light" ? "rgb(246, 247, 249)" : "rgb(16, 21, 28)");
        expect(complaints).toEqual([]);
      },
      PATIENCE_MS,
    );
  }
});

test("strangers cannot watch where there is an API key, nor be heard on the page's channel", async () => {
  const { http, ws } = start({}, { apiKey: "key" });
  const refusal = connect(`${ws}/live`).then(
    () => "let in",
    (error: Error) => error.message,
  );
  expect(await refusal).toContain("401");
  const key = Buffer.from("key").toString("base64url");
  const protocols = ["shardcast.live", `shardcast.key.${key}`];
  const watcher = await connect(`${ws}/live`, { protocols });
  expect(watcher.socket.protocol).toBe("shardcast.live");
  expect(JSON.parse(String(await watcher.next()))).toMatchObject({
    sources: ["ticks"],
    clients: 1,
  });
  const headers = { authorization: "Bearer key" };
  const publish = await fetch(`${http}publish/$live`, { method: "POST", headers, body: "{}" });
  expect(publish.status).toBe(400);
});
