import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeStale } from "./setup";
import type { Step } from "./steps";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-setup-"));
});

afterEach(() => rm(root, { recursive: true }));

/** A step that makes a file of its name by this command. */
function step(name: string, command: string, optional = false): Step {
  const work = { name, doing: `making ${name}`, inputs: [], outputs: [name] };
  return { ...work, command: ["sh", "-c", command], requireTools: () => {}, optional };
}

const made = async () => (await readdir(root)).filter((name) => !name.startsWith("."));

const GOOD = step("good", "touch good");
const BAD = step("bad", "exit 3");
const BAD_OPTIONAL = step("bad", "exit 3", true);

test("a step that fails stops the set-up, and is named", async () => {
  const setUp = makeStale([BAD, GOOD], { root, inCi: false });
  expect(setUp).rejects.toThrow("making bad failed: `sh -c exit 3` (3)");
  await setUp.catch(() => {});
  expect(await made()).toEqual([]);
});

test("a set-up goes on without what is optional", async () => {
  await makeStale([BAD_OPTIONAL, GOOD], { root, inCi: false });
  expect(await made()).toEqual(["good"]);
});

test("in CI nothing is optional", async () => {
  const setUp = makeStale([BAD_OPTIONAL, GOOD], { root, inCi: true });
  expect(setUp).rejects.toThrow("making bad failed");
  await setUp.catch(() => {});
  expect(await made()).toEqual([]);
});

test("what is made once is not made again", async () => {
  const once = step("once", "test ! -e once && touch once");
  await makeStale([once], { root, inCi: true });
  await makeStale([once], { root, inCi: true });
  expect(await made()).toEqual(["once"]);
});
