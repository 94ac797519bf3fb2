/**
 * Runs every test there is, in both languages, one suite after the other, whatever the earlier ones
 * gave. The last line of its output is "N passed, N failed" over all of them.
 */

import { join } from "node:path";
import { runChild } from "./child";
import { orExplain, setUp } from "./setup";
import { requireRust } from "./toolchain";
import { bunReader, cargoReader, type Reader, sum, type Totals, verdict } from "./totals";

const ROOT = join(import.meta.dir, "..");

interface Suite {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly reader: () => Reader;
}

const SUITES: readonly Suite[] = [
  {
    name: "TypeScript",
    command: [process.execPath, "test"],
    reader: bunReader,
  },
  {
    name: "Rust",
    // Without the default feature, which needs the symbols of a JavaScript runtime to link.
    command: "cargo test --workspace --no-default-features --no-fail-fast".split(" "),
    reader: cargoReader,
  },
  {
    name: "Rust under loom: every interleaving of the queue",
    // A flag for the compiler is a key of cargo's cache, hence the directory of its own.
    command: [
      ..."cargo test --package shardcast-core --no-default-features --release --lib".split(" "),
      ..."--target-dir target/loom loom".split(" "),
    ],
    env: { RUSTFLAGS: "--cfg shardcast_loom" },
    reader: cargoReader,
  },
];

async function run(suite: Suite): Promise<Totals> {
  console.log(`\n=== ${suite.name}: ${suite.command.slice(0, 2).join(" ")}\n`);
  const reader = suite.reader();
  const exitCode = await runChild(suite.command, {
    cwd: ROOT,
    env: { ...suite.env },
    onLine: (line) => reader.line(line),
  });
  return verdict(reader.totals(), exitCode);
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
const results: Totals[] = [];
for (const suite of SUITES) results.push(await run(suite));
const { passed, failed } = sum(results);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
