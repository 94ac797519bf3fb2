/** Says what the machine lacks, and how to get it, in place of a tool's own puzzling error. */

import manifest from "../../Cargo.toml";
import { bunProblem } from "../../src/process/bun-version";

/** A tool is absent, broken or too old. The message says what to do. */
export class MissingTool extends Error {}

/** The oldest Rust that builds the crates, as Cargo.toml states it: "1.88". */
const OLDEST_RUST: string = manifest.workspace.package["rust-version"];

/** Throws unless the Bun that runs this is one that package.json allows. */
export function requireBun(version: string = Bun.version): void {
  const problem = bunProblem(version);
  if (problem) throw new MissingTool(problem);
}

/**
 * Throws unless a recent enough Rust toolchain and a C compiler, as its linker, are on the path.
 */
export function requireRust(path: string = process.env.PATH ?? ""): void {
  requireRustTool("cargo", path);
  requireRustTool("rustc", path);
  requireLinker(path);
}

function requireRustTool(tool: "cargo" | "rustc", path: string): void {
  const executable = Bun.which(tool, { PATH: path });
  if (executable === null) throw new MissingTool(RUST_ABSENT(tool));
  const answer = Bun.spawnSync([executable, "--version"], { env: { ...process.env, PATH: path } });
  const version = /\d+\.\d+\.\d+/.exec(answer.stdout.toString())?.[0];
  if (version === undefined) throw new MissingTool(RUST_BROKEN(tool, answer.stderr.toString()));
  if (Bun.semver.order(version, `${OLDEST_RUST}.0`) < 0) {
    throw new MissingTool(RUST_TOO_OLD(tool, version));
  }
}

function requireLinker(path: string): void {
  if (Bun.which("cc", { PATH: path }) === null) throw new MissingTool(COMPILER_ABSENT);
}

const RUST_ABSENT = (tool: string) =>
  `a Rust toolchain is needed to build the native core, and there is no \`${tool}\` on the PATH.

  Install Rust ${OLDEST_RUST} or later with rustup (https://rustup.rs):

    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh

  Then open a new terminal, or run \`. "$HOME/.cargo/env"\`, and start again.`;

const RUST_TOO_OLD = (tool: string, version: string) =>
  `the native core needs Rust ${OLDEST_RUST} or later, and this is ${tool} ${version}.

  Update it:  rustup update stable && rustup default stable

  A Rust that a system's package manager installed is often too old: take it from https://rustup.rs.`;

const RUST_BROKEN = (tool: string, complaint: string) =>
  `\`${tool} --version\` does not work:

  ${complaint.trim().replaceAll("\n", "\n  ")}

  With rustup, this chooses a toolchain:  rustup default stable`;

const COMPILER_ABSENT = `a C compiler is needed to link the native core, and there is no \`cc\` on the PATH.

  Debian, Ubuntu:  sudo apt install build-essential
  Fedora:          sudo dnf install gcc
  Alpine:          sudo apk add build-base
  macOS:           xcode-select --install`;
