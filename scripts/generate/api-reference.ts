/**
 * Writes docs/api.md anew, from the doc comments of what the library exports.
 *
 *     bun run docs
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { runChild } from "../child";

/** The document, from the root of the checkout. */
export const API_DOCUMENT = "docs/api.md";

const ROOT = join(import.meta.dir, "../..");
/** typedoc's own corner: it needs another compiler than the project. */
const TOOLS = join(ROOT, "scripts/api-reference");

/**
 * The document as it should be.
 *
 * @throws Error when typedoc finds a fault in the comments; which it has printed
 */
export async function apiReference(): Promise<string> {
  const out = await mkdtemp(join(tmpdir(), "shardcast-api-"));
  try {
    const typedoc = join(TOOLS, "node_modules/typedoc/bin/typedoc");
    const command = [process.execPath, typedoc, "--options", join(TOOLS, "typedoc.json")];
    const exitCode = await runChild([...command, "--out", out], { cwd: TOOLS });
    if (exitCode !== 0) throw new Error(`typedoc ended with ${exitCode}`);
    return await Bun.file(join(out, "api.md")).text();
  } finally {
    await rm(out, { recursive: true });
  }
}

if (import.meta.main) await Bun.write(join(ROOT, API_DOCUMENT), await apiReference());
