/**
 * Writes `dist/`, what the package ships of the library: a JavaScript file and declarations for
 * each source.
 *
 *     bun scripts/setup.ts package
 */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

import { runChild } from "./child";

const ROOT = join(import.meta.dir, "..");
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");
/** How a declaration names another file of the package. */
const RELATIVE = /((?:from|import\()\s*")(\.{1,2}\/[^"]+?)(?:\.js)?(")/g;

/** Compiles, and puts what comes of `src/` into `out`: as deep as `src/`, beside `native/`. */
async function buildPackage(out: string): Promise<void> {
  const compiled = await mkdtemp(join(ROOT, ".tools/package-"));
  try {
    const command = [process.execPath, TSC, "--project", "tsconfig.package.json"];
    const exitCode = await runChild([...command, "--outDir", compiled], { cwd: ROOT });
    if (exitCode !== 0) throw new Error(`tsc ended with ${exitCode}`);
    await rm(out, { recursive: true, force: true });
    await cp(join(compiled, "src"), out, { recursive: true });
  } finally {
    await rm(compiled, { recursive: true });
  }
  await nameFilesInFull(out);
}

/** Node's rules, which a compiler may be set to follow, want names of files with their ends. */
async function nameFilesInFull(directory: string): Promise<void> {
  for await (const path of new Bun.Glob("**/*.d.ts").scan({ cwd: directory, absolute: true })) {
    const text = await Bun.file(path).text();
    await Bun.write(path, text.replace(RELATIVE, "$1$2.js$3"));
  }
}

if (import.meta.main) await buildPackage(join(ROOT, "dist"));
