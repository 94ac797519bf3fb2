/**
 * Runs the test cases of Autobahn against an echo route on the adapter, and judges them strictly.
 *
 *     bun run test:conformance
 *
 * The last line of its output is "N passed, N failed".
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram, KOSOKU } from "../../scripts/tools/python";
import { serveEcho } from "./echo";
import { type CaseReport, complete, failureTable, passed, sectionTable } from "./verdicts";

/** A run takes minutes; one in which every case waits for its own limit has nothing to say. */
const RUN_LIMIT_MS = 15 * 60 * 1000;
/** Cases that are run at once. Those about compression leave the server idle most of the time. */
const CASES_AT_ONCE = "4";

interface Kosoku {
  /** Runs the cases. */
  readonly command: string;
  /** A Python that can import it. */
  readonly python: string;
}

/** The numbers of all cases that kosoku has. */
function allCases({ python }: Kosoku): string[] {
  const script = "from kosoku.cases import CASES; print(*CASES)";
  const { stdout, stderr, success } = Bun.spawnSync([python, "-c", script]);
  if (!success) throw new Error(`kosoku cannot be imported: ${stderr}`);
  return stdout.toString().trim().split(" ");
}

/** Runs all cases. */
async function runCases({ command }: Kosoku): Promise<CaseReport[]> {
  await using echo = serveEcho();
  const directory = await mkdtemp(join(tmpdir(), "shardcast-conformance-"));
  try {
    // It writes as errors what the reports say too: which cases failed by its own, laxer judgement.
    const options = ["--parallelism", CASES_AT_ONCE, "--outdir", directory];
    const child = Bun.spawn([command, ...options, echo.address], {
      stdio: ["ignore", "ignore", "pipe"],
      timeout: RUN_LIMIT_MS,
    });
    const [errors] = await Promise.all([child.stderr.text(), child.exited]);
    const reports = await readReports(directory);
    if (reports.length === 0) console.error(`kosoku has left no reports: ${errors}`);
    return reports;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function readReports(directory: string): Promise<CaseReport[]> {
  const files = new Bun.Glob("*_case_*.json").scanSync({ cwd: directory, absolute: true });
  return Promise.all(Array.from(files, (file) => Bun.file(file).json()));
}

function conclude(totals: { passed: number; failed: number }): void {
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

async function test(kosoku: Kosoku): Promise<void> {
  const cases = allCases(kosoku);
  console.log(`running Autobahn's ${cases.length} cases ...\n`);
  const reports = complete(cases, await runCases(kosoku));
  for (const line of [...sectionTable(reports), "", ...failureTable(reports), ""]) {
    console.log(line);
  }
  const good = reports.filter(passed).length;
  conclude({ passed: good, failed: reports.length - good });
}

const root = join(import.meta.dir, "../..");
const command = findProgram(root, KOSOKU, "kosoku");
const python = findProgram(root, KOSOKU, "python");
if (command !== undefined && python !== undefined) {
  await test({ command, python });
} else {
  // A machine of a developer can do without; in CI its absence is a failure.
  const verdict = process.env.CI ? "CI needs it" : "all cases are skipped";
  console.log(`no kosoku: ${verdict}. Its set-up takes Python 3.10 or later, with venv, and PyPI.`);
  conclude({ passed: 0, failed: process.env.CI ? 1 : 0 });
}
