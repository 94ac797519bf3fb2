/** A browser for tests. */

import { onTestFinished } from "bun:test";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";

import { findChromium } from "../../../scripts/tools/chromium";

const found = findChromium();

/** Tests in a browser are skipped where there is none; CI must have one. */
export const withoutBrowser = found === undefined && !process.env.CI;
/** For the names of such tests. */
export const whyNoBrowser = withoutBrowser
  ? " (skipped: no chromium, and it could not be installed)"
  : "";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page, until the test ends, and all that it has complained of in its console. */
export interface Visit {
  page: Page;
  complaints: string[];
}

/** Opens `url` in a new browser. */
export async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  if (found === undefined) throw new Error("CI needs chromium: apt-get install chromium");
  const browser = await chromium.launch({ executablePath: found, headless: true, args: FLAGS });
  onTestFinished(() => browser.close());
  const page = await (await browser.newContext(options)).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}
