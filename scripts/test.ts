/**
 * Runs every test there is, in both languages, one suite after the other, whatever the earlier ones
 * gave. What failed is shown once more after all of them, and the last line of the output is
 * "N passed, N failed".
 */

import { join } from "node:path";
import { runChild } from "./child";
import { bunFailures, cargoFailures, type Failures } from "./failures";
import { orExplain, setUp } from "./setup";
import { requireRust } from "./toolchain";
import { bunReader, cargoReader, type Reader, sum, type Totals, verdict } from "./totals";

const ROOT = join(import.meta.dir, "..");

interface Suite {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly reader: () => Reader;
  readonly failures: () => Failures;
}

const SUITES: readonly Suite[] = [
  {
    name: "TypeScript",
    command: [process.execPath, "test"],
    reader: bunReader,
    failures: bunFailures,
  },
  {
    name: "Rust",
    // Without the default feature, which needs the symbols of a JavaScript runtime to link.
    command: "cargo test --locked --workspace --no-default-features --no-fail-fast".split(" "),
    reader: cargoReader,
    failures: cargoFailures,
  },
  {
    name: "Rust under loom: every interleaving of sleep and wake",
    // A flag for the compiler is a key of cargo's cache, hence the directory of its own.
    command: [
      ..."cargo test --locked --package shardcast-core --no-default-features --release --lib".split(
        " ",
      ),
      ..."--target-dir target/loom loom".split(" "),
    ],
    env: { RUSTFLAGS: "--cfg shardcast_loom" },
    reader: cargoReader,
    failures: cargoFailures,
  },
];

interface Result {
  readonly totals: Totals;
  readonly failures: readonly string[];
}

async function run(suite: Suite): Promise<Result> {
  console.log(`\n=== ${suite.name}: ${suite.command.slice(0, 2).join(" ")}\n`);
  const [reader, failures] = [suite.reader(), suite.failures()];
  const exitCode = await runChild(suite.command, {
    cwd: ROOT,
    env: { ...suite.env },
    onLine(line) {
      reader.line(line);
      failures.line(line);
    },
  });
  return { totals: verdict(reader.totals(), exitCode), failures: failures.all() };
}

if (process.argv.length > 2) {
  console.error(
    "`bun run test` runs everything. For some tests: `bun test FILE`, `cargo test NAME`.",
  );
  process.exit(2);
}
await setUp("test");
// The set-up asks for it only when it has something to build.
await orExplain(requireRust);
const results: Result[] = [];
for (const suite of SUITES) results.push(await run(suite));
const { passed, failed } = sum(results.map(({ totals }) => totals));
if (failed > 0) {
  console.log("\n=== What failed, once more");
  for (const failure of results.flatMap(({ failures }) => failures)) console.log(`\n${failure}`);
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
