/** The live page where there is an API key, in a browser, and what it keeps from strangers. */

import { describe, expect, test } from "bun:test";

import { connect, refused } from "../../helpers/client";
import { AWAY, flow, open, REFUSED, says, seen, start, status } from "./live-page";

describe("the page, where there is an API key,", () => {
  seen("asks for it, and shows when it was wrong", async () => {
    const server = start({}, { apiKey: "sésame" });
    const page = await open(server, { tolerates: REFUSED });
    const dialog = page.locator("#key[open]");
    await dialog.waitFor();
    expect(await page.locator("#key-wrong").isVisible()).toBe(false);
    await page.keyboard.type("wrong");
    await page.keyboard.press("Enter");
    await says(page, "#key-wrong", /^The server did not accept that key\.$/);
    await page.locator("#key-wrong").waitFor();
    await page.keyboard.type("sésame");
    await page.keyboard.press("Enter");
    await status(page, "connected");
    await page.fill("#message", "with the key");
    await page.click("#publish button[type=submit]");
    await says(page, "#published", /^Published/);
    await page.click("footer a[href='stats']");
    await says(page, "#answer-body", /"total_clients"/);
  });

  seen("can do without the key: the stream is for all", async () => {
    const server = start({}, { apiKey: "key" });
    const page = await open(server, { tolerates: REFUSED });
    await page.locator("#key[open]").waitFor();
    await page.keyboard.press("Escape");
    await status(page, "locked");
    flow((n) => server.broadcaster.publish("ticks", `public ${n}`));
    await page.fill("#channel", "ticks");
    await page.keyboard.press("Enter");
    await says(page, "#stream li", /^public \d+$/);
    expect(await page.locator("#key").isVisible()).toBe(false);
    await page.click("#unlock");
    await page.keyboard.type("key");
    await page.keyboard.press("Enter");
    await status(page, "connected");
    expect(await page.locator("#unlock").isVisible()).toBe(false);
  });

  seen("asks once for all that need the key", async () => {
    const first = start({}, { apiKey: "old" });
    const page = await open(first, { tolerates: new RegExp(`${AWAY.source}|${REFUSED.source}`) });
    await page.locator("#key[open]").waitFor();
    await page.keyboard.type("old");
    await page.keyboard.press("Enter");
    await status(page, "connected");
    await page.fill("#publish-channel", "news");
    await page.fill("#message", "x");
    await first.app.stop(true);
    start({}, { apiKey: "new", port: first.port });
    await page.locator("#key[open]").waitFor();
    const answered = page.waitForResponse(/publish/);
    await page.evaluate("document.querySelector('#publish').requestSubmit()");
    await answered;
    await page.fill("#key-input", "new");
    await page.keyboard.press("Enter");
    await status(page, "connected");
    await says(page, "#published", /^Published/);
  });
});

describe("clients without the key", () => {
  test("cannot watch where there is an API key, nor be heard on the page's channel", async () => {
    const { http, ws } = start({}, { apiKey: "key" });
    expect((await refused(`${ws}/live`)).status).toBe(401);
    const key = Buffer.from("key").toString("base64url");
    const protocols = ["shardcast.live", `shardcast.key.${key}`];
    const watcher = await connect(`${ws}/live`, { protocols });
    expect(watcher.socket.protocol).toBe("shardcast.live");
    expect(JSON.parse(String(await watcher.next()))).toMatchObject({ sources: ["ticks"] });
    const headers = { authorization: "Bearer key" };
    const publish = await fetch(`${http}publish/$live`, { method: "POST", headers, body: "{}" });
    expect(publish.status).toBe(400);
  });

  test("cannot listen on the page's channel by the stream", async () => {
    const { ws } = start();
    expect((await refused(`${ws}/stream?channels=$live`)).status).toBe(400);
    expect((await refused(`${ws}/stream?channels=ticks,$live`)).status).toBe(400);
  });
});
