import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LEVELS, runSteps, type Step } from "./setup";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-setup-"));
});

afterEach(() => rm(root, { recursive: true }));

/** A step that makes a file of its name by this command. */
function step(name: string, command: string, isOptional = false): Step {
  return { command: ["sh", "-c", command], outputs: [name], isOptional };
}

const made = async () => (await readdir(root)).filter((name) => !name.startsWith("."));
const run = (...steps: Step[]) => runSteps(steps, { root, inCi: false });
const read = (name: string) => Bun.file(join(root, name)).text();

const GOOD = step("good", "touch good");
/** Adds a letter to `copy` whenever it runs. */
const COPY: Step = { ...step("copy", "printf x >> copy"), inputs: ["source", "absent"] };

test("a step that fails stops the set-up, and is named", async () => {
  const setUp = run(step("bad", "exit 3"), GOOD);
  expect(setUp).rejects.toThrow("`sh -c exit 3` failed (3)");
  await setUp.catch(() => {});
  expect(await made()).toEqual([]);
});

test("a step that leaves nothing behind has failed", async () => {
  const setUp = run(step("nothing", "true"));
  expect(setUp).rejects.toThrow("`sh -c true` left no nothing");
  await setUp.catch(() => {});
});

test("a set-up goes on without what is optional", async () => {
  await run(step("bad", "exit 3", true), GOOD);
  expect(await made()).toEqual(["good"]);
});

test("in CI nothing is optional", async () => {
  const setUp = runSteps([step("bad", "exit 3", true), GOOD], { root, inCi: true });
  expect(setUp).rejects.toThrow("failed (3)");
  await setUp.catch(() => {});
  expect(await made()).toEqual([]);
});

test("a step runs again only when a source is newer than what it made", async () => {
  await Bun.write(join(root, "source"), "");
  await utimes(join(root, "source"), 1, 1);
  await run(COPY);
  await run(COPY);
  expect(await read("copy")).toBe("x");
  await utimes(join(root, "source"), Date.now() / 1000 + 1, Date.now() / 1000 + 1);
  await run(COPY);
  expect(await read("copy")).toBe("xx");
});

test("a source that is edited while a step runs is newer than what the step made", async () => {
  const editing = { ...COPY, command: ["sh", "-c", "touch source; printf x >> copy"] };
  await run(editing);
  await run(COPY);
  expect(await read("copy")).toBe("xx");
});

test("a step without outputs, and one whose outputs are gone, always runs", async () => {
  const command = ["sh", "-c", "printf x >> log"];
  await run({ command });
  await run({ command });
  expect(await read("log")).toBe("xx");
  await run(GOOD);
  await rm(join(root, "good"));
  await run(GOOD);
  expect(await made()).toContain("good");
});

test("set-ups of one checkout take turns", async () => {
  const slow = { command: ["sh", "-c", "printf '<' >> log; sleep 0.05; printf '>' >> log"] };
  const script = `import { runSteps } from ${JSON.stringify(join(import.meta.dir, "setup.ts"))};
    await runSteps([${JSON.stringify(slow)}], { root: process.argv.at(-1) });`;
  const others = [1, 2, 3].map(() => Bun.spawn([process.execPath, "-e", script, root]));
  expect(await Promise.all(others.map(({ exited }) => exited))).toEqual([0, 0, 0]);
  expect(await read("log")).toBe("<><><>");
});

test("whatever cargo builds is what Cargo.lock says", async () => {
  const commands = Object.values(LEVELS).flatMap((steps) => steps.map(({ command }) => command));
  const { scripts } = await Bun.file(join(import.meta.dir, "../package.json")).json();
  const all = [...commands.map((command) => command.join(" ")), ...Object.values<string>(scripts)];
  const built = all.filter((it) => /^cargo (build|test|run)|cargo clippy|napi build/.test(it));
  expect(built.length).toBeGreaterThan(5);
  for (const command of built) expect(command).toContain("--locked");
});

test("every level is what a script of package.json, or the test run, sets up", async () => {
  const { scripts } = await Bun.file(join(import.meta.dir, "../package.json")).json();
  const texts = [...Object.values<string>(scripts), "setup.ts test"].join("\n");
  const named = [...texts.matchAll(/setup\.ts ([a-z-]+)/g)].map(([, level]) => String(level));
  expect(Object.keys(LEVELS).toSorted()).toEqual([...new Set(named)].toSorted());
});
