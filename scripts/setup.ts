/**
 * Brings a checkout to the point where the server, the tests or something else can run:
 *
 *     bun scripts/setup.ts server
 *
 * Bun and cargo know by themselves what is up to date, and are asked each time. The addon alone,
 * with which a server starts at once, is compared with its sources by their times, as make does.
 *
 * It runs before anything is installed. So nothing that it imports may come from `node_modules`.
 */

import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, mkdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { runChild } from "./child";
import { canInstallChromium, findChromium } from "./tools/chromium";
import { canFetchPromtool, LOCAL_PROMTOOL } from "./tools/promtool";
import { hasPython, KOSOKU, type PythonPackage, recordOf, WEBSOCKETS } from "./tools/python";
import { MissingTool, requireBun, requireRust } from "./tools/toolchain";

/** One command of a set-up. */
export interface Step {
  /** For the line that the user sees; without it the command speaks for itself. */
  readonly doing?: string;
  readonly command: readonly string[];
  readonly needsRust?: boolean;
  /** Only some tests want what it brings: without it they are skipped, but not in CI. */
  readonly isOptional?: boolean;
  /** Globs of what it makes. Where they are there, newer than `inputs`, there is nothing to do. */
  readonly outputs?: readonly string[] | undefined;
  readonly inputs?: readonly string[];
}

/** A step ran and did not succeed. Its own output shows why. */
class StepFailed extends Error {}

const ROOT = join(import.meta.dir, "..");
/** The Bun that runs this, whether or not it is on the path. */
const BUN = process.execPath;
/** A build takes a minute or two; a set-up that takes this long is stuck. */
const LOCK_TIMEOUT_MS = 15 * 60 * 1000;

const INSTALL = [BUN, "install", "--frozen-lockfile", "--no-summary"];
const DEPENDENCIES = {
  command: INSTALL,
  ...(existsSync(join(ROOT, "node_modules")) ? {} : { doing: "installing the dependencies" }),
};
const REFERENCE = { command: [...INSTALL, "--cwd", "scripts/api-reference"] };
const PACKAGE = { command: [BUN, "scripts/package.ts"] };

/** Cargo itself decides: an addon that another profile has built is new, but not the same. */
const MEASURED_ADDON = { command: [BUN, "run", "build"], needsRust: true };
const ADDON = {
  ...MEASURED_ADDON,
  doing: "building the native addon",
  inputs: ["{package.json,Cargo.toml,Cargo.lock}", "core-rs/{*.toml,*.rs}", "core-rs/src/**/*.rs"],
  outputs: [
    "native/index.js",
    "native/index.d.ts",
    `native/*.${process.platform}-${process.arch}*.node`,
  ],
};

const LOAD_TESTER = crates(["load-test"]);
const TEST_PEERS = crates(["test-peers"]);
const COMPARED = crates(["floor", "count-writes"]);
/** Where the core has no binding it would take the addon's place, hence the directory. */
const CORE_ALONE = crates(["parts", "core-alone"], "target/parts");

/** What each level takes, in order. */
export const LEVELS: Readonly<Record<string, readonly Step[]>> = {
  server: [DEPENDENCIES, ADDON],
  test: [DEPENDENCIES, ADDON, LOAD_TESTER, TEST_PEERS, REFERENCE, ...toolsOfTests()],
  conformance: [DEPENDENCIES, ADDON, ...installed(KOSOKU)],
  "load-test": [LOAD_TESTER],
  demo: [DEPENDENCIES, ADDON, LOAD_TESTER],
  bench: [DEPENDENCIES, MEASURED_ADDON, LOAD_TESTER, COMPARED, CORE_ALONE],
  docs: [DEPENDENCIES, ADDON, REFERENCE],
  package: [DEPENDENCIES, ADDON, PACKAGE],
};

/** The directory is named because binaries are looked for there, whatever CARGO_TARGET_DIR is. */
function crates(names: readonly string[], directory = "target"): Step {
  const packages = names.map((name) => `--package=shardcast-${name}`);
  const build = ["cargo", "build", "--locked", "--release", `--target-dir=${directory}`];
  return { command: [...build, ...packages], needsRust: true };
}

/** What only some tests want, where it can be had. */
function toolsOfTests(): Step[] {
  const tool = (name: string, outputs?: string[]): Step => {
    const command = [BUN, `scripts/tools/${name}.ts`];
    return { doing: `installing ${name}`, command, outputs, isOptional: true };
  };
  return [
    ...(canFetchPromtool() ? [tool("promtool", [LOCAL_PROMTOOL])] : []),
    ...(findChromium() === undefined && canInstallChromium() ? [tool("chromium")] : []),
    ...installed(WEBSOCKETS),
  ];
}

function installed(wanted: PythonPackage): Step[] {
  const command = [BUN, "scripts/tools/python.ts", wanted.name];
  const doing = `installing ${wanted.name} from PyPI`;
  return hasPython() ? [{ doing, command, outputs: [recordOf(wanted)], isOptional: true }] : [];
}

/** Makes what `level` needs and is missing or out of date, or prints what is wrong and ends. */
export async function setUp(level: string): Promise<void> {
  try {
    requireBun();
    await runSteps(LEVELS[level] ?? []);
  } catch (error) {
    if (!(error instanceof MissingTool || error instanceof StepFailed)) throw error;
    console.error(`\nshardcast: ${error.message}`);
    process.exit(1);
  }
}

/** Runs those of `steps` that have something to do in the checkout `root`. */
export async function runSteps(
  steps: readonly Step[],
  { root = ROOT, inCi = Boolean(process.env.CI) } = {},
): Promise<void> {
  using _lock = lock(root);
  const pending = steps.filter((step) => !isFresh(root, step));
  // Asked before the first step, so that bad news comes before a minute's wait.
  if (pending.some(({ needsRust }) => needsRust)) requireRust();
  for (const step of pending) {
    const problem = await run(root, step);
    if (problem === undefined) continue;
    if (!step.isOptional || inCi) throw new StepFailed(problem);
    console.error(`shardcast: ${problem} The tests that want it are skipped.`);
  }
}

/**
 * Lets one set-up of a checkout run at a time. The lock is SQLite's on its file, which the system
 * releases when the process ends in whatever way.
 */
function lock(root: string): Database {
  mkdirSync(join(root, ".tools"), { recursive: true });
  const database = new Database(join(root, ".tools/setup.lock"));
  try {
    database.run("BEGIN EXCLUSIVE");
  } catch (error) {
    if (!(error instanceof SQLiteError) || error.code !== "SQLITE_BUSY") throw error;
    console.error("shardcast: waiting for another set-up of this checkout to end ...");
    database.run(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`);
    database.run("BEGIN EXCLUSIVE");
  }
  return database;
}

/** @returns what is wrong, if anything */
async function run(root: string, step: Step): Promise<string | undefined> {
  const { doing, command, inputs, outputs = [] } = step;
  if (doing !== undefined) console.error(`shardcast: ${doing} ...`);
  const startedAt = new Date();
  const exitCode = await runChild(command, { cwd: root });
  if (exitCode !== 0) return `\`${command.join(" ")}\` failed (${exitCode}).`;
  const missing = outputs.find((glob) => matches(root, glob).length === 0);
  if (missing !== undefined) return `\`${command.join(" ")}\` left no ${missing}.`;
  // A source that was edited meanwhile is newer than what was made of it.
  const made = inputs === undefined ? [] : outputs.flatMap((glob) => matches(root, glob));
  for (const path of made) utimesSync(path, startedAt, startedAt);
  return undefined;
}

function isFresh(root: string, { inputs = [], outputs }: Step): boolean {
  if (outputs === undefined) return false;
  const made = outputs.map((glob) => matches(root, glob));
  if (made.some((paths) => paths.length === 0)) return false;
  const times = (paths: string[]) => paths.map((path) => statSync(path).mtimeMs);
  const newest = Math.max(...times(inputs.flatMap((glob) => matches(root, glob))));
  return Math.min(...times(made.flat())) > newest;
}

function matches(root: string, glob: string): string[] {
  return [...new Bun.Glob(glob).scanSync({ cwd: root, dot: true, absolute: true })];
}

if (import.meta.main) {
  const level = process.argv[2] ?? "";
  if (!Object.hasOwn(LEVELS, level)) {
    console.error(`usage: bun scripts/setup.ts ${Object.keys(LEVELS).join("|")}`);
    process.exit(2);
  }
  await setUp(level);
}
