import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireBun, requireRust } from "./toolchain";

let path: string;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "shardcast-tools-"));
});

afterEach(() => rm(path, { recursive: true }));

async function install(tool: string, script: string): Promise<void> {
  await writeFile(join(path, tool), `#!/bin/sh\n${script}\n`);
  await chmod(join(path, tool), 0o755);
}

async function installRust(version: string): Promise<void> {
  await install("cargo", `echo "cargo ${version} (0123456789 2026-01-01)"`);
  await install("rustc", `echo "rustc ${version} (0123456789 2026-01-01)"`);
}

test("a recent toolchain with a C compiler will do", async () => {
  await installRust("1.88.0");
  await install("cc", "");
  expect(() => requireRust(path)).not.toThrow();
});

test("a nightly of a later version will do", async () => {
  await installRust("1.99.0-nightly");
  await install("cc", "");
  expect(() => requireRust(path)).not.toThrow();
});

test("without cargo, the message says how to install Rust", () => {
  expect(() => requireRust(path)).toThrow(
    /no `cargo` on the PATH[\s\S]*1\.88[\s\S]*sh\.rustup\.rs/,
  );
});

test("with too old a cargo, the message says which it is and how to update it", async () => {
  await installRust("1.87.0");
  expect(() => requireRust(path)).toThrow(
    /1\.88 or later, and this is cargo 1\.87\.0[\s\S]*rustup upd/,
  );
});

test("when rustup has no toolchain chosen, its complaint is shown", async () => {
  await install("cargo", "echo 'no default is configured' >&2; exit 1");
  expect(() => requireRust(path)).toThrow(/no default is configured[\s\S]*rustup default stable/);
});

test("without a C compiler, the message says how to install one", async () => {
  await installRust("1.95.0");
  expect(() => requireRust(path)).toThrow(/no `cc` on the PATH[\s\S]*build-essential/);
});

test("too old a Bun is refused by its version", () => {
  expect(() => requireBun("1.3.14")).toThrow(/Bun >=1\.4\.0 is required, but this is Bun 1\.3\.14/);
  expect(() => requireBun()).not.toThrow();
});
