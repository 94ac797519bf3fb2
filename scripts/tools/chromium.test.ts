import { expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { canInstallChromium, findChromium } from "./chromium";

/** A path on which there are these tools alone. */
async function pathWith(...tools: string[]): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "shardcast-chromium-"));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const tool of tools) await writeFile(join(path, tool), "#!/bin/sh\n", { mode: 0o755 });
  return path;
}

test("a browser is found by any of its names", async () => {
  expect(findChromium(await pathWith())).toBeUndefined();
  expect(findChromium(await pathWith("google-chrome"))).toEndWith("/google-chrome");
});

test("root alone can install one, where there is apt-get", async () => {
  const [none, apt] = [await pathWith(), await pathWith("apt-get")];
  expect(canInstallChromium(none, true)).toBe(false);
  expect(canInstallChromium(apt, false)).toBe(false);
  expect(canInstallChromium(apt, true)).toBe(true);
});
