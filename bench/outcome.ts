/** The results of a case, for people and for programs. */

import { cpus, release } from "node:os";
import { join } from "node:path";

import type { Case, Target } from "./cases";
import type { ContestantName } from "./contestants";
import { type Result, voidReason } from "./result";

export interface Outcome {
  readonly testCase: Case;
  readonly results: readonly Result[];
}

/** In the documents, around what is written anew by each run. */
const BEGIN = "<!-- begin: written by `bun run bench` -->";
const END = "<!-- end -->";

/** Of a table's column: as many as its rule takes. */
const MIN_WIDTH = 3;

/** Who stands in the README's summary. */
const SUMMARIZED: readonly ContestantName[] = ["shardcast 1×1", "Bun publish", "floor"];
const MILLIONS = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

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
  ["tester CPU %", ({ testerCpuPercent }) => figure(testerCpuPercent)],
];

const PROBE_COLUMN = ["healthz p99 ms", (r: Result) => figure(r.probeP99Ms)] as const;
const CONNECT_COLUMN = ["connects/s", (r: Result) => count(r.connectsPerSecond)] as const;
const RECONNECT_COLUMN = [
  "again/s",
  (r: Result) => count(r.reconnectsPerSecond ?? Number.NaN),
] as const;
const MEMORY_COLUMN = ["bytes/client", (r: Result) => count(r.bytesPerClient)] as const;

/** The table of a case, and how it did against its targets. */
export function markdownOf({ testCase, results }: Outcome): string {
  const columns = columnsOf(testCase);
  const rows = results.map((result) => columns.map(([, cell]) => cell(result)));
  const head = columns.map(([title]) => title);
  const targets = targetsOf({ testCase, results });
  const threads = testCase.threads ? results.map(connectCpuOf) : [];
  const notes = [...results.flatMap(voidNoteOf), ...threads, ...targets];
  return [tableOf(head, rows), "", ...notes, ""].join("\n");
}

function connectCpuOf({ contestant, connectCpu }: Result): string {
  const threads = Object.entries(connectCpu).toSorted(([, one], [, other]) => other - one);
  const sum = threads.reduce((total, [, microseconds]) => total + microseconds, 0);
  const parts = threads.map(([name, microseconds]) => `${name} ${microseconds.toFixed(1)}`);
  return `- ${contestant}, µs of CPU a connect: ${sum.toFixed(1)} (${parts.join(", ")})`;
}

function columnsOf({ workload, probe, reconnects }: Case) {
  if (workload.rate === 0) {
    const again = reconnects ? [RECONNECT_COLUMN] : [];
    return [...COLUMNS.slice(0, 2), CONNECT_COLUMN, ...again, MEMORY_COLUMN];
  }
  return probe ? [...COLUMNS, PROBE_COLUMN] : COLUMNS;
}

function voidNoteOf(result: Result): string[] {
  const reason = voidReason(result);
  return reason === undefined ? [] : [`- ${result.contestant}: **void**, ${reason}`];
}

/** How each target was met, where all who are compared took part. */
function targetsOf({ testCase, results }: Outcome): string[] {
  const complete = testCase.contestants.every((name) =>
    results.some(({ contestant }) => contestant === name),
  );
  if (!complete) return [];
  return testCase.targets.map((target) => {
    const compared = new Set<Result>();
    const judged = target((name) => {
      const result = results.find(({ contestant }) => contestant === name) as Result;
      compared.add(result);
      return result;
    });
    return sentence(judged, [...compared]);
  });
}

/** Judges the value as it is printed, to two decimals: 0.9998 of an offered load is all of it. */
function sentence(target: Target, compared: readonly Result[]): string {
  const { what, value, limit, floor } = target;
  const printed = Number(value.toFixed(2));
  const bound = floor === undefined ? "" : `; the floor: ${Number(floor.toFixed(2))}`;
  const [wanted, met] =
    "atLeast" in limit
      ? [`at least ${limit.atLeast}`, printed >= limit.atLeast]
      : [`at most ${limit.atMost}`, printed <= limit.atMost];
  const isVoid = !target.judgesVoid && compared.some((result) => voidReason(result) !== undefined);
  if (isVoid) return `- ${what}: void (target: ${wanted})`;
  return `- ${what}: ${printed} (target: ${wanted}) ${met ? "reached" : `**missed**${bound}`}`;
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

/** Writes `bench/results.json`, the tables of `bench/README.md`, and the summary in the README. */
export async function saveTo(root: string, outcomes: readonly Outcome[]): Promise<void> {
  const saved = outcomes.map(({ testCase: { name, title, workload }, results }) => ({
    name,
    title,
    workload,
    results,
  }));
  const json = JSON.stringify({ machine: describeMachine(), cases: saved }, null, 2);
  await Bun.write(join(root, "bench/results.json"), `${json}\n`);
  const tables = outcomes.map(
    (outcome) => `### ${outcome.testCase.title}\n\n${markdownOf(outcome)}`,
  );
  await writeInto(join(root, "bench/README.md"), [describeMachine(), "", ...tables].join("\n"));
  await writeInto(join(root, "README.md"), `${summaryOf(outcomes)}\n`);
}

/** The cases in which messages flow, with who says most of them. */
export function summaryOf(outcomes: readonly Outcome[]): string {
  const flowing = outcomes.filter(({ testCase }) => testCase.workload.rate > 0);
  const rows = flowing.map(({ testCase, results }) => {
    const cells = SUMMARIZED.map((name) => {
      const result = results.find(({ contestant }) => contestant === name);
      if (!result) return "";
      if (voidReason(result) !== undefined) return "void";
      const latency = Number.isNaN(result.p99Ms) ? "" : `, ${figure(result.p99Ms)} ms`;
      return `${MILLIONS.format(result.perSecond)}/s${latency}`;
    });
    return [testCase.title, ...cells];
  });
  const head = ["delivered/s, p99", ...SUMMARIZED];
  return tableOf(head, rows);
}

/** A table as the formatter would print it: the first column to the left, figures to the right. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(MIN_WIDTH, ...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const padded = (cells: readonly string[]) =>
    line(
      widths.map((width, column) => {
        const cell = cells[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      }),
    );
  const rule = line(
    widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)),
  );
  return [padded(head), rule, ...rows.map(padded)].join("\n");
}

/** Puts `text` between the marks of a document. */
async function writeInto(path: string, written: string): Promise<void> {
  const text = await Bun.file(path).text();
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} has no place for them: ${BEGIN}`);
  await Bun.write(path, `${text.slice(0, begin)}${BEGIN}\n\n${written}${text.slice(end)}`);
}
