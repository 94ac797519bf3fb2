import { expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stepsFor } from "./steps";

const names = (...args: Parameters<typeof stepsFor>) => stepsFor(...args).map(({ name }) => name);

/** A path on which there are these tools alone. */
async function pathWith(...tools: string[]): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "shardcast-steps-"));
  onTestFinished(() => rm(path, { recursive: true }));
  for (const tool of tools) await writeFile(join(path, tool), "#!/bin/sh\n", { mode: 0o755 });
  return path;
}

test("to serve takes the dependencies and the addon, and no tool of the tests", async () => {
  const path = await pathWith("apt-get", "dpkg-deb");
  expect(names("server", path)).toEqual(["dependencies", "addon"]);
});

test("to test takes the load tester too, and promtool only where it can be fetched", async () => {
  const without = ["dependencies", "addon", "load-tester"];
  expect(names("test", await pathWith())).toEqual(without);
  const debian = await pathWith("apt-get", "dpkg-deb");
  expect(names("test", debian)).toEqual([...without, "promtool"]);
});

test("the conformance tests take what serving takes, and kosoku only where there is Python", async () => {
  const without = ["dependencies", "addon"];
  expect(names("conformance", await pathWith("apt-get", "dpkg-deb"))).toEqual(without);
  expect(names("conformance", await pathWith("python3"))).toEqual([...without, "kosoku"]);
});

test("to measure takes what is compared with, and to load a server the load tester alone", () => {
  expect(names("bench")).toEqual(["dependencies", "addon", "load-tester", "bench-tools"]);
  expect(names("load-test")).toEqual(["load-tester"]);
});
