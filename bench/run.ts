/**
 * Measures shardcast beside what a user would pick instead, and beside the floor, one after the
 * other under the same load. Prints a table a case; a run of everything saves all of them to
 * `bench/results.json` and, as Markdown, to `bench/README.md`, with a summary in the README.
 *
 *     bun run bench                       # everything, about a quarter of an hour
 *     bun run bench top isolated          # these cases
 *     bun run bench --list
 *     bun run bench --duration 20 --repeat 3 --only floor --only "shardcast 1×1"
 */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { CASES, type Case } from "./cases";
import { BUILT_FOR_NODE, CONTESTANT_NAMES, type ContestantName, NODE_SERVERS } from "./contestants";
import { type Conditions, measure } from "./measure";
import { describeMachine, markdownOf, type Outcome, saveTo } from "./outcome";
import { medianOf, type Result } from "./result";

const HERE = import.meta.dir;
const ROOT = join(HERE, "..");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    duration: { type: "string", default: "5" },
    warmup: { type: "string", default: "2" },
    repeat: { type: "string", default: "1" },
    only: { type: "string", multiple: true },
    list: { type: "boolean", default: false },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});

function chosenCases(): readonly Case[] {
  const unknown = positionals.find((name) => !CASES.some((testCase) => testCase.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `no case is named ${unknown}; there are ${CASES.map(({ name }) => name).join(", ")}`,
    );
  }
  if (positionals.length === 0) return CASES;
  return CASES.filter(({ name }) => positionals.includes(name));
}

function isChosen(contestant: ContestantName): boolean {
  return values.only === undefined || values.only.includes(contestant);
}

function positive(option: "duration" | "warmup" | "repeat"): number {
  const number = Number(values[option]);
  if (number > 0 && number <= 3600) return number;
  throw new Error(`--${option} must be a number above 0 and up to 3600, not ${values[option]}`);
}

function conditions(): Conditions {
  if (availableParallelism() < 2) {
    throw new Error("the server and the load tester need a core each, and there is one");
  }
  return {
    serverCore: 0,
    testerCore: 1,
    warmupSeconds: positive("warmup"),
    durationSeconds: positive("duration"),
  };
}

/** Node runs no TypeScript, and need not: its servers are bundled for it. */
async function buildForNode(): Promise<void> {
  await Bun.build({
    entrypoints: NODE_SERVERS.map((name) => join(HERE, "servers", `${name}.ts`)),
    outdir: join(ROOT, BUILT_FOR_NODE),
    target: "node",
    format: "cjs",
    // The package is of modules; what is bundled here is not.
    naming: "[name].cjs",
  });
}

/** Runs a case as often as asked, all contestants in turn each time; keeps the medians of each. */
async function runCase(testCase: Case, under: Conditions): Promise<Outcome> {
  console.log(`\n## ${testCase.title}\n`);
  const runs = new Map<ContestantName, Result[]>();
  const rounds = positive("repeat") * (testCase.runs ?? 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const name of testCase.contestants.filter(isChosen)) {
      const result = await measure(name, testCase, under);
      runs.set(name, [...(runs.get(name) ?? []), result]);
      console.error(`  ${name}: ${summaryOf(testCase, result)}`);
    }
  }
  const outcome = { testCase, results: [...runs.values()].map(medianOf) };
  console.log(markdownOf(outcome));
  return outcome;
}

function summaryOf({ workload }: Case, result: Result): string {
  if (workload.rate > 0) return `${Math.round(result.perSecond)}/s, p99 ${result.p99Ms} ms`;
  const { connectsPerSecond, reconnectsPerSecond, bytesPerClient } = result;
  const again = reconnectsPerSecond ? `${Math.round(reconnectsPerSecond)} again, ` : "";
  const connects = `${Math.round(connectsPerSecond)} connects/s`;
  return `${connects}, ${again}${Math.round(bytesPerClient)} bytes/client`;
}

async function main(): Promise<void> {
  if (values.list) {
    for (const { name, title } of CASES) console.log(`${name.padEnd(20)} ${title}`);
    console.log(`\ncontestants: ${CONTESTANT_NAMES.join(", ")}`);
    return;
  }
  const [cases, under] = [chosenCases(), conditions()];
  await buildForNode();
  console.log(describeMachine());
  const outcomes: Outcome[] = [];
  for (const testCase of cases) outcomes.push(await runCase(testCase, under));
  const whole = cases.length === CASES.length && values.only === undefined;
  if (whole && values.save) await saveTo(ROOT, outcomes);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exit(1);
}
