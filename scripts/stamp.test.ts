import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFresh, recordMade, type StampedWork } from "./stamp";

const WORK: StampedWork = { name: "copy", inputs: ["*.in", "absent"], outputs: ["*.out"] };

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-stamp-"));
  await write("a.in", "1");
});

afterEach(() => rm(root, { recursive: true }));

const write = (file: string, text: string) => writeFile(join(root, file), text);
const make = () => recordMade(root, WORK, () => write("a.out", "made"));

test("what was never made is stale", async () => {
  expect(await isFresh(root, WORK)).toBe(false);
});

test("what was just made is fresh", async () => {
  expect(await make()).toBeUndefined();
  expect(await isFresh(root, WORK)).toBe(true);
});

test("it stays fresh when a source is written again without a change", async () => {
  await make();
  await write("a.in", "1");
  expect(await isFresh(root, WORK)).toBe(true);
});

test("a changed, an added and a removed source each make it stale", async () => {
  await make();
  await write("a.in", "2");
  expect(await isFresh(root, WORK)).toBe(false);
  await write("a.in", "1");
  await write("b.in", "");
  expect(await isFresh(root, WORK)).toBe(false);
  await rm(join(root, "b.in"));
  expect(await isFresh(root, WORK)).toBe(true);
  await rm(join(root, "a.in"));
  expect(await isFresh(root, WORK)).toBe(false);
});

test("an output that was deleted or made by someone else makes it stale", async () => {
  await make();
  await write("a.out", "made by hand");
  expect(await isFresh(root, WORK)).toBe(false);
  await rm(join(root, "a.out"));
  expect(await isFresh(root, WORK)).toBe(false);
});

test("work that fails leaves it stale, though it was fresh before", async () => {
  await make();
  const failing = recordMade(root, WORK, () => Promise.reject(new Error("no space")));
  expect(failing).rejects.toThrow("no space");
  await failing.catch(() => {});
  expect(await isFresh(root, WORK)).toBe(false);
});

test("a source edited while the work runs makes it stale", async () => {
  await recordMade(root, WORK, async () => {
    await write("a.in", "edited");
    await write("a.out", "made");
  });
  expect(await isFresh(root, WORK)).toBe(false);
});

test("work that leaves nothing behind is reported", async () => {
  expect(await recordMade(root, WORK, async () => {})).toBe("*.out");
  expect(await isFresh(root, WORK)).toBe(false);
});
