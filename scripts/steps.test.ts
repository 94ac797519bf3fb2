import { expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canProvideChromium } from "./chromium";
import { LEVELS, stepsFor } from "./steps";

const ROOT = join(import.meta.dir, "..");
/** What a checkout may have, and this one has not. */
const ABSENT = ["rust-toolchain.toml", ".cargo/config.toml"];

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

test("to pack takes what is built of the sources, and no tool of the tests", async () => {
  const path = await pathWith("apt-get", "dpkg-deb");
  expect(names("package", path)).toEqual(["dependencies", "addon", "package"]);
});

test("to test takes its peers too, and what only some tests want where it can be had", async () => {
  const without = ["dependencies", "addon", "load-tester", "test-peers", "reference"];
  expect(names("test", await pathWith())).toEqual(without);
  expect(names("test", await pathWith("python3"))).toEqual([...without, "websockets"]);
  expect(names("test", await pathWith("chromium"))).toEqual([...without, "chromium"]);
  expect(names("test", await pathWith("apt-get", "dpkg-deb"))).toContain("promtool");
});

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

test("the conformance tests take what serving takes, and kosoku only where there is Python", async () => {
  const without = ["dependencies", "addon"];
  expect(names("conformance", await pathWith("apt-get", "dpkg-deb"))).toEqual(without);
  expect(names("conformance", await pathWith("python3"))).toEqual([...without, "kosoku"]);
});

test("to measure takes what is compared with, and to load a server the load tester alone", () => {
  expect(names("bench")).toEqual(["dependencies", "addon", "load-tester", "bench-tools", "parts"]);
  expect(names("load-test")).toEqual(["load-tester"]);
  expect(names("docs")).toEqual(["dependencies", "addon", "reference"]);
  expect(names("demo")).toEqual(["dependencies", "addon", "load-tester"]);
});

test("every step watches files that are there", async () => {
  const path = await pathWith("apt-get", "dpkg-deb", "python3", "chromium");
  const inputs = LEVELS.flatMap((level) => stepsFor(level, path).flatMap((step) => step.inputs));
  const matches = (glob: string) => [...new Bun.Glob(glob).scanSync({ cwd: ROOT, dot: true })];
  const idle = inputs.filter((glob) => !ABSENT.includes(glob) && matches(glob).length === 0);
  // Bun's globs know no `**` inside of braces.
  expect(idle).toEqual([]);
});

test("whatever cargo builds is what Cargo.lock says", async () => {
  const steps = LEVELS.flatMap((level) => stepsFor(level, ""));
  const commands = steps.map(({ command }) => command.join(" "));
  const { scripts } = await Bun.file(join(ROOT, "package.json")).json();
  const building = /^cargo (build|test|run)|cargo clippy|napi build/;
  const built = [...commands, ...Object.values<string>(scripts)].filter((it) => building.test(it));
  expect(built.length).toBeGreaterThan(5);
  for (const command of built) expect(command).toContain("--locked");
});
