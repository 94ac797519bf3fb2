/**
 * Runs every test there is, in both languages, one suite after the other, whatever the earlier ones
 * gave. What failed is shown once more after all of them, and the last line of the output is
 * "N passed, N failed".
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runChild } from "./child";
import { setUp } from "./setup";
import { bunReport, cargoReport, concluded, type TestReport } from "./test-report";

const ROOT = join(import.meta.dir, "..");
/** A run with more failures has a reason that the first ones show. */
const MAX_FAILURES_SHOWN = 10;
const MAX_LINES_SHOWN = 60;
/** Of one test that names none: a busy machine must not fail it. */
const TIMEOUT_MS = 60_000;

async function testTypeScript(): Promise<TestReport> {
  console.log("\n=== TypeScript: bun test\n");
  const directory = await mkdtemp(join(tmpdir(), "shardcast-test-"));
  try {
    const file = Bun.file(join(directory, "report.xml"));
    const command = [process.execPath, "test", "--reporter=junit", `--timeout=${TIMEOUT_MS}`];
    command.push(`--reporter-outfile=${file.name}`);
    const exitCode = await runChild(command, { cwd: ROOT, stdout: "inherit" });
    return concluded(bunReport((await file.exists()) ? await file.text() : ""), exitCode);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function testRust(name: string, flags: string, env = {}): Promise<TestReport> {
  console.log(`\n=== ${name}: cargo test\n`);
  const command = ["cargo", "test", "--locked", "--no-default-features", ...flags.split(" ")];
  let output = "";
  const onOutput = (text: string) => {
    output += text;
  };
  const exitCode = await runChild(command, { cwd: ROOT, env, onOutput });
  return concluded(cargoReport(output), exitCode);
}

if (process.argv.length > 2) {
  console.error(
    "`bun run test` runs everything. For some tests: `bun test FILE`, `cargo test NAME`.",
  );
  process.exit(2);
}
await setUp("test");
const reports = [
  await testTypeScript(),
  // Without the default feature, which needs the symbols of a JavaScript runtime to link.
  await testRust("Rust", "--workspace --no-fail-fast"),
  // A flag for the compiler is a key of cargo's cache, hence the directory of its own.
  await testRust(
    "Rust under loom: every interleaving of sleep and wake",
    "--package shardcast-core --release --lib --target-dir target/loom loom",
    { RUSTFLAGS: "--cfg shardcast_loom" },
  ),
];
const sum = (count: "passed" | "failed") => reports.reduce((all, it) => all + it[count], 0);
const [passed, failed] = [sum("passed"), sum("failed")];
if (failed > 0) {
  console.log("\n=== What failed, once more");
  const failures = reports.flatMap((report) => report.failures).slice(0, MAX_FAILURES_SHOWN);
  // The last lines give the reason.
  for (const it of failures) console.log(`\n${it.split("\n").slice(-MAX_LINES_SHOWN).join("\n")}`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
