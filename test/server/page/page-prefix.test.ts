/** The live page behind a proxy that strips a path prefix. */

import { expect } from "bun:test";

import { flow, open, REFUSED, says, seen, start, status } from "./live-page";
import { prefixProxy } from "./prefix-proxy";

seen("the page works under a path prefix", async () => {
  const server = start();
  const http = await prefixProxy("/sc", server.port);
  const page = await open({ ...server, http: `${http}/` });
  await status(page, "connected");
  flow((n) => server.broadcaster.publish("ticks", `message ${n}`));
  await says(page, "#stream li", /^message \d+$/);
  await page.fill("#message", "from the page");
  await page.click("#publish button");
  await says(page, "#published", /^Published/);
  const links = await page.locator("footer a").evaluateAll((all) => all.map((a) => String(a)));
  const answers = await Promise.all(links.map((link) => fetch(link)));
  expect(answers.map(({ status }) => status)).toEqual(links.map(() => 200));
});

seen("the page is found under a prefix without a slash behind it", async () => {
  const server = start();
  const http = await prefixProxy("/sc", server.port);
  // The browser may look ahead for files of the page that it is about to leave.
  const page = await open({ ...server, http }, { tolerates: REFUSED });
  await status(page, "connected");
  expect(page.url()).toBe(`${http}/`);
});
