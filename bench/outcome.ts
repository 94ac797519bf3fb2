/** The results of a case, for people and for programs. */

import { cpus, release } from "node:os";
import { join } from "node:path";

import type { Case, Target } from "./cases";
import type { Result } from "./result";

export interface Outcome {
  readonly testCase: Case;
  readonly results: readonly Result[];
}

/** In `bench/README.md`, around what is written anew by each run. */
const BEGIN = "<!-- begin: written by `bun run bench` -->";
const END = "<!-- end -->";

const COLUMNS: readonly (readonly [string, (result: Result) => string])[] = [
  ["", ({ contestant }) => contestant],
  ["clients", ({ connected }) => count(connected)],
  ["delivered/s", ({ perSecond }) => count(perSecond)],
  ["MB/s", ({ megabytesPerSecond }) => figure(megabytesPerSecond)],
  ["p50 ms", ({ p50Ms }) => figure(p50Ms)],
  ["p99 ms", ({ p99Ms }) => figure(p99Ms)],
  ["CPU s/M", ({ cpuPerMillion }) => figure(cpuPerMillion)],
  ["CPU %", ({ cpuPercent }) => figure(cpuPercent)],
  ["writes/M", ({ writesPerMillion }) => count(writesPerMillion)],
  ["MB", ({ residentBytes }) => figure(residentBytes / 1e6)],
  ["missing", ({ missing }) => count(missing)],
  ["failed, closed", ({ failed, closed }) => count(failed + closed)],
  ["stolen %", ({ stolenPercent }) => figure(stolenPercent)],
  ["tester CPU %", (result) => `${figure(result.testerCpuPercent)}${result.void ? " (void)" : ""}`],
];

const PROBE_COLUMN = ["healthz p99 ms", (r: Result) => figure(r.probeP99Ms)] as const;
const CONNECT_COLUMN = ["connects/s", (r: Result) => count(r.connectsPerSecond)] as const;
const MEMORY_COLUMN = ["bytes/client", (r: Result) => count(r.bytesPerClient)] as const;

/** The table of a case, and how it did against its targets. */
export function markdownOf({ testCase, results }: Outcome): string {
  const columns = columnsOf(testCase);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    line(columns.map(([title]) => title)),
    line(columns.map((_, index) => (index === 0 ? "---" : "--:"))),
    ...results.map((result) => line(columns.map(([, cell]) => cell(result)))),
  ];
  const targets = targetsOf({ testCase, results });
  return [...lines, "", ...targets.map(sentence), ""].join("\n");
}

function columnsOf({ workload, probe }: Case) {
  if (workload.rate === 0) return [...COLUMNS.slice(0, 2), CONNECT_COLUMN, MEMORY_COLUMN];
  return probe ? [...COLUMNS, PROBE_COLUMN] : COLUMNS;
}

/** The targets, where all who are compared took part. */
function targetsOf({ testCase, results }: Outcome): Target[] {
  const complete = testCase.contestants.every((name) =>
    results.some(({ contestant }) => contestant === name),
  );
  if (!complete) return [];
  return testCase.targets((name) => results.find((result) => result.contestant === name) as Result);
}

/** Judges the value as it is printed, to two decimals: 0.9998 of an offered load is all of it. */
function sentence({ what, value, limit }: Target): string {
  const printed = Number(value.toFixed(2));
  const [words, met] =
    "atLeast" in limit
      ? [`at least ${limit.atLeast}`, printed >= limit.atLeast]
      : [`at most ${limit.atMost}`, printed <= limit.atMost];
  return `- ${what}: ${printed} (target: ${words}) ${met ? "reached" : "**missed**"}`;
}

function count(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en") : "–";
}

function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** On what it was measured, in a line. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const versions = `Bun ${Bun.version}, Linux ${release()}`;
  return `${cpus().length} × ${cpu?.model.trim()}, ${versions}, ${new Date().toISOString().slice(0, 10)}`;
}

/** Writes `results.json` and the tables of `README.md` in `directory`. */
export async function saveTo(directory: string, outcomes: readonly Outcome[]): Promise<void> {
  const saved = outcomes.map(({ testCase: { name, title, workload }, results }) => ({
    name,
    title,
    workload,
    results,
  }));
  const json = JSON.stringify({ machine: describeMachine(), cases: saved }, null, 2);
  await Bun.write(join(directory, "results.json"), `${json}\n`);
  await saveTables(join(directory, "README.md"), outcomes);
}

async function saveTables(path: string, outcomes: readonly Outcome[]): Promise<void> {
  const text = await Bun.file(path).text();
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for the tables: ${BEGIN}`);
  const tables = outcomes.map(
    (outcome) => `### ${outcome.testCase.title}\n\n${markdownOf(outcome)}`,
  );
  const written = [BEGIN, "", describeMachine(), "", ...tables].join("\n");
  await Bun.write(path, `${text.slice(0, begin)}${written}${text.slice(end)}`);
}
