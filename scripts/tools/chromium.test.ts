import { expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { canProvideChromium } from "./chromium";

/** A path on which there are these tools alone. */
async function pathWith(...tools: string[]): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "shardcast-chromium-"));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const tool of tools) await writeFile(join(path, tool), "#!/bin/sh\n", { mode: 0o755 });
  return path;
}

test("a browser can be had where there is one, or where root can install one", async () => {
  const [none, apt, chrome] = [
    await pathWith(),
    await pathWith("apt-get"),
    await pathWith("google-chrome"),
  ];
  expect(canProvideChromium(none, true)).toBe(false);
  expect(canProvideChromium(apt, false)).toBe(false);
  expect(canProvideChromium(apt, true)).toBe(true);
  expect(canProvideChromium(chrome, false)).toBe(true);
});
