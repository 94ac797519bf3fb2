import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { nativeProblem } from "../../src/sharded/native-problem";

const HERE = { platform: "linux", arch: "x64" };
const CAUSE = new Error("Cannot find native binding", { cause: new Error("invalid ELF header") });

describe("an addon that does not load", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "shardcast-native-"));
  });

  afterEach(() => rm(directory, { recursive: true }));

  async function built(...targets: string[]): Promise<void> {
    for (const target of targets) await writeFile(join(directory, `shardcast.${target}.node`), "");
  }

  test("is not built yet, and how to build it is told", async () => {
    const told =
      /^the native addon is not built: run `bun install && bun run build`.*Rust.*packed$/;
    expect(nativeProblem(directory, HERE, CAUSE)).toMatch(told);
    expect(nativeProblem(join(directory, "none"), HERE, CAUSE)).toMatch(told);
  });

  test("is for another platform, and both are named", async () => {
    await built("linux-arm64-gnu", "darwin-arm64");
    expect(nativeProblem(directory, HERE, CAUSE)).toStartWith(
      "the native addon is built for darwin-arm64 and linux-arm64-gnu, and this is linux-x64: run",
    );
  });

  test("is refused by the system, whose reason is told", async () => {
    await built("linux-x64-gnu");
    expect(nativeProblem(directory, HERE, CAUSE)).toStartWith(
      "the native addon shardcast.linux-x64-gnu.node cannot be loaded (invalid ELF header). If",
    );
  });

  test("is not to be had for a platform, where only the Bun broadcaster runs", () => {
    expect(nativeProblem(directory, { platform: "win32", arch: "x64" }, CAUSE)).toMatch(
      /does not run on win32-x64, but on linux-x64, .*darwin-arm64: useSharding: false/,
    );
  });
});
