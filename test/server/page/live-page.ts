/** The live page of a ready-made server, in a browser whose console is looked at. */

import { expect, onTestFinished, test } from "bun:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { resolveConfig, type ShardcastConfig } from "../../../src/config/config";
import { createApp } from "../../../src/server/app";
import { emptySource, SMALL } from "../../helpers/serving";
import { visit, whyNoBrowser, withoutBrowser } from "./browser";

/** For a browser to start, and for a page that shows something every second. */
const TIMEOUT_MS = 60_000;

/** What a browser writes by itself while its server is away, and of an answer of 4xx. */
export const AWAY = /ERR_CONNECTION|WebSocket connection/;
export const REFUSED = /status of 4\d\d/;

/** The ready-made server, until the test ends. */
export function start(
  config: ShardcastConfig = {},
  options: { apiKey?: string; port?: number } = {},
) {
  const { apiKey, port = 0 } = options;
  const resolved = resolveConfig({ ...SMALL, ...config });
  const { app, broadcaster } = createApp({
    config: resolved,
    sources: [emptySource("ticks")],
    apiKey,
  });
  app.listen({ port, hostname: "127.0.0.1" });
  onTestFinished(async () => {
    if (app.server) await app.stop(true);
  });
  const host = `127.0.0.1:${app.server?.port}`;
  const http = `http://${host}/`;
  return { app, broadcaster, http, ws: `ws://${host}`, port: app.server?.port as number };
}

export type Started = ReturnType<typeof start>;

interface OpenOptions extends BrowserContextOptions {
  /** What the browser may write into its console. */
  tolerates?: RegExp;
}

/** Looks at the consoles of the pages that a test has opened. */
let lookAtConsoles = () => {};

export async function open(
  { http }: Started,
  { tolerates, ...options }: OpenOptions = {},
): Promise<Page> {
  const { page, complaints } = await visit(http, options);
  const before = lookAtConsoles;
  lookAtConsoles = () => {
    before();
    expect(complaints.filter((complaint) => !tolerates?.test(complaint))).toEqual([]);
  };
  return page;
}

/** Publishes until the test ends. */
export function flow(publish: (n: number) => void): void {
  let n = 0;
  const timer = setInterval(() => publish(n++), 5);
  onTestFinished(() => clearInterval(timer));
}

/** Waits until the element says something of this form. */
export async function says(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: pattern }).first().waitFor();
}

export const status = (page: Page, state: string) =>
  page.locator(`#status[data-state="${state}"]`).waitFor();

/** A test in a browser, in whose console there is no error at its end. */
export function seen(what: string, look: () => Promise<void>): void {
  const lookAtAll = async () => {
    lookAtConsoles = () => {};
    await look();
    lookAtConsoles();
  };
  test.skipIf(withoutBrowser)(`${what}${whyNoBrowser}`, lookAtAll, TIMEOUT_MS);
}
