/** What there is to set up, in order: what each step is made from, what it makes, and how. */

import { canProvideChromium, LOCAL_CHROMIUM } from "./chromium";
import { KOSOKU_COMMAND } from "./kosoku";
import { canFetchPromtool, LOCAL_PROMTOOL } from "./promtool";
import { hasPython } from "./pypi";
import type { StampedWork } from "./stamp";
import { requireNothing, requireRust } from "./toolchain";
import { WEBSOCKETS_COMMAND } from "./websockets";

/**
 * How much is set up: enough to serve, to run every test, the conformance tests, to load a server,
 * to show it, to measure, to write what is generated of the documentation, or to pack the library.
 */
export const LEVELS = [
  "server",
  "test",
  "conformance",
  "load-test",
  "demo",
  "bench",
  "docs",
  "package",
] as const;

export type Level = (typeof LEVELS)[number];

/** One thing that the set-up makes by running one command. */
export interface Step extends StampedWork {
  /** For the one line that the user sees: "installing the dependencies". */
  readonly doing: string;
  readonly command: readonly string[];
  /** Throws `MissingTool` when the machine lacks something that the command needs. */
  readonly requireTools: () => void;
  /** Only some tests want it, and are skipped without it: a failure stops nobody but CI. */
  readonly optional?: boolean;
}

/** The Bun that runs this, whether or not it is on the path. */
const BUN = process.execPath;

/** Settings that decide how cargo builds any of the crates. The last two may be absent. */
const CARGO_SETTINGS = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];

const DEPENDENCIES: Step = {
  name: "dependencies",
  doing: "installing the dependencies",
  inputs: ["package.json", "bun.lock"],
  outputs: ["node_modules/*/package.json", "node_modules/@*/*/package.json"],
  command: [BUN, "install", "--frozen-lockfile"],
  requireTools: requireNothing,
};

const ADDON: Step = {
  name: "addon",
  doing: "building the native addon",
  // package.json holds the build command and pins the tool that it runs.
  inputs: [
    ...CARGO_SETTINGS,
    "package.json",
    "core-rs/{Cargo.toml,build.rs}",
    "core-rs/src/**/*.rs",
  ],
  outputs: ["native/index.js", "native/*.node"],
  command: [BUN, "run", "build"],
  requireTools: requireRust,
};

const PACKAGE: Step = {
  name: "package",
  doing: "building what the package ships",
  inputs: [
    "package.json",
    "tsconfig{,.package}.json",
    "scripts/package.ts",
    "src/**/*.ts",
    // The addon's types.
    "native/index.d.ts",
  ],
  outputs: ["dist/**/*.{js,map,ts}"],
  command: [BUN, "scripts/package.ts"],
  requireTools: requireNothing,
};

const REFERENCE: Step = {
  name: "reference",
  doing: "installing what writes the API reference",
  inputs: ["scripts/api-reference/{package.json,bun.lock}"],
  outputs: ["scripts/api-reference/node_modules/*/package.json"],
  command: [BUN, "install", "--frozen-lockfile", "--cwd", "scripts/api-reference"],
  requireTools: requireNothing,
};

const LOAD_TESTER: Step = {
  name: "load-tester",
  doing: "building the load tester",
  inputs: [...CARGO_SETTINGS, "bench/load-test/Cargo.toml", "bench/load-test/src/**/*.rs"],
  outputs: ["target/release/load-test"],
  // The directory is named because the tests look for the binary there, whatever CARGO_TARGET_DIR
  // is.
  command: "cargo build --locked --release --package shardcast-load-test --target-dir target".split(
    " ",
  ),
  requireTools: requireRust,
};

const TEST_PEERS: Step = {
  name: "test-peers",
  doing: "building the clients and the attackers that tests have in Rust",
  inputs: [...CARGO_SETTINGS, "test/peers/Cargo.toml", "test/peers/src/**/*.rs"],
  outputs: ["target/release/storm", "target/release/tungstenite-client"],
  command:
    "cargo build --locked --release --package shardcast-test-peers --target-dir target".split(" "),
  requireTools: requireRust,
};

const BENCH_TOOLS: Step = {
  name: "bench-tools",
  doing: "building what the benchmarks compare with and count by",
  inputs: [
    ...CARGO_SETTINGS,
    "bench/{floor,count-writes}/Cargo.toml",
    "bench/{floor,count-writes}/src/**/*.rs",
  ],
  outputs: ["target/release/floor", "target/release/libcount_writes.so"],
  command:
    "cargo build --locked --release --package shardcast-floor --package shardcast-count-writes --target-dir target".split(
      " ",
    ),
  requireTools: requireRust,
};

const PARTS: Step = {
  name: "parts",
  doing: "building the core alone, and its parts that are timed by themselves",
  inputs: [
    ...CARGO_SETTINGS,
    "bench/parts/{Cargo.toml,build.rs}",
    "bench/parts/src/**/*.rs",
    "bench/core-alone/src/**/*.rs",
    "bench/core-alone/Cargo.toml",
    "core-rs/Cargo.toml",
    "core-rs/src/**/*.rs",
  ],
  outputs: ["target/parts/release/libshardcast_parts.so", "target/parts/release/core-alone"],
  // A directory of its own: the core without its binding would take the place of the addon in
  // another.
  command:
    "cargo build --locked --release --package shardcast-parts --package shardcast-core-alone --target-dir target/parts".split(
      " ",
    ),
  requireTools: requireRust,
};

const PROMTOOL: Step = {
  name: "promtool",
  doing: "fetching promtool",
  inputs: ["scripts/promtool.ts"],
  outputs: [LOCAL_PROMTOOL],
  command: [BUN, "scripts/promtool.ts"],
  requireTools: requireNothing,
  optional: true,
};

const KOSOKU: Step = {
  name: "kosoku",
  doing: "installing kosoku",
  inputs: ["scripts/kosoku.ts", "scripts/pypi.ts"],
  outputs: [KOSOKU_COMMAND],
  command: [BUN, "scripts/kosoku.ts"],
  requireTools: requireNothing,
  optional: true,
};

const WEBSOCKETS: Step = {
  name: "websockets",
  doing: "installing Python's websockets",
  inputs: ["scripts/websockets.ts", "scripts/pypi.ts"],
  outputs: [WEBSOCKETS_COMMAND],
  command: [BUN, "scripts/websockets.ts"],
  requireTools: requireNothing,
  optional: true,
};

const CHROMIUM: Step = {
  name: "chromium",
  doing: "providing chromium",
  inputs: ["scripts/chromium.ts"],
  outputs: [LOCAL_CHROMIUM],
  command: [BUN, "scripts/chromium.ts"],
  requireTools: requireNothing,
  optional: true,
};

/** The steps that `level` takes on a machine with this `path`, in the order they must run in. */
export function stepsFor(level: Level, path?: string): readonly Step[] {
  if (level === "load-test") return [LOAD_TESTER];
  const steps = [DEPENDENCIES, ADDON];
  if (level === "test") {
    steps.push(LOAD_TESTER, TEST_PEERS, REFERENCE);
    if (canFetchPromtool(path)) steps.push(PROMTOOL);
    if (hasPython(path)) steps.push(WEBSOCKETS);
    if (canProvideChromium(path)) steps.push(CHROMIUM);
  }
  if (level === "demo") steps.push(LOAD_TESTER);
  if (level === "bench") steps.push(LOAD_TESTER, BENCH_TOOLS, PARTS);
  if (level === "docs") steps.push(REFERENCE);
  if (level === "package") steps.push(PACKAGE);
  if (level === "conformance" && hasPython(path)) steps.push(KOSOKU);
  return steps;
}
