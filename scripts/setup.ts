/**
 * Brings a checkout to the point where the server, or the tests, can run: the dependencies of the
 * lock file, the native addon and, for the tests, the load tester and promtool, or kosoku. It does
 * nothing, within a fraction of a second, when all of them are up to date.
 *
 *     bun scripts/setup.ts server
 *     bun scripts/setup.ts test
 *     bun scripts/setup.ts conformance
 *     bun scripts/setup.ts load-test
 *     bun scripts/setup.ts demo
 *     bun scripts/setup.ts bench
 *     bun scripts/setup.ts docs
 *     bun scripts/setup.ts package
 *
 * It runs before anything is installed. So nothing that it imports may come from `node_modules`.
 */

import { join } from "node:path";
import { runChild } from "./child";
import { exclusively } from "./lock";
import { isFresh, recordMade } from "./stamp";
import { LEVELS, type Level, type Step, stepsFor } from "./steps";
import { MissingTool, requireBun } from "./toolchain";

const ROOT = join(import.meta.dir, "..");

/** A step of the set-up ran and did not succeed. Its own output has said why. */
class StepFailed extends Error {}

/** Makes what `level` needs and is missing or out of date. */
export function setUp(level: Level): Promise<void> {
  return orExplain(() => makeStale(stepsFor(level)));
}

/**
 * Runs `work`. Where the machine lacks a tool, or a step fails, it prints what the user can do
 * about it and ends the process: there is nothing that a caller could go on with.
 */
export async function orExplain(work: () => void | Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof MissingTool || error instanceof StepFailed)) throw error;
    console.error(`\nshardcast: ${error.message}`);
    process.exit(1);
  }
}

/** Makes those of `steps` that are missing or out of date in the checkout `root`. */
export async function makeStale(
  steps: readonly Step[],
  { root = ROOT, inCi = Boolean(process.env.CI) } = {},
): Promise<void> {
  requireBun();
  if ((await staleOf(root, steps)).length === 0) return;
  await exclusively(root, async () => {
    // Asked again: while this one waited for the lock, another set-up may have done the work.
    const stale = await staleOf(root, steps);
    // All tools are asked for before the first step, so that nobody waits a minute for bad news.
    for (const requireTools of new Set(stale.map((step) => step.requireTools))) requireTools();
    for (const step of stale) await (inCi ? make(root, step) : makeIfPossible(root, step));
  });
}

async function staleOf(root: string, steps: readonly Step[]): Promise<Step[]> {
  const fresh = await Promise.all(steps.map((step) => isFresh(root, step)));
  return steps.filter((_, index) => !fresh[index]);
}

/** Makes it, or goes on without it when it is optional. */
async function makeIfPossible(root: string, step: Step): Promise<void> {
  try {
    await make(root, step);
  } catch (error) {
    if (!step.optional || !(error instanceof StepFailed)) throw error;
    console.error(`shardcast: ${error.message} The tests that want it are skipped.`);
  }
}

async function make(root: string, step: Step): Promise<void> {
  console.error(`shardcast: ${step.doing} ...`);
  const startedAt = performance.now();
  const missing = await recordMade(root, step, async () => {
    const exitCode = await runChild(step.command, { cwd: root });
    if (exitCode !== 0) {
      throw new StepFailed(`${step.doing} failed: \`${step.command.join(" ")}\` (${exitCode}).`);
    }
  });
  if (missing !== undefined) {
    throw new StepFailed(`${step.doing} ended without an error, but left no ${missing}.`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.error(`shardcast: ${step.doing} took ${seconds.toFixed(1)} s`);
}

function levelOf(argument: string | undefined): Level {
  const level = LEVELS.find((level) => level === argument);
  if (level !== undefined) return level;
  console.error(`usage: bun scripts/setup.ts ${LEVELS.join("|")} (got ${argument ?? "nothing"})`);
  process.exit(2);
}

if (import.meta.main) await setUp(levelOf(process.argv[2]));
