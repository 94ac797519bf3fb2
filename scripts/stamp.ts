/**
 * Tells whether something made from files is up to date, without asking the tool that makes it:
 * cargo alone would take longer to answer than the server takes to start.
 *
 * A stamp holds two digests: of the files that a thing was made from, and of the files that were
 * made. The second one catches what was deleted, half written, or made by hand from other sources
 * since. Contents are compared rather than times, because a checkout of another branch changes the
 * times.
 */

import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where stamps and the lock are kept, in the root of the checkout. Not under version control. */
export const STATE_DIRECTORY = ".setup";

/** Something made from files, and the stamp that says so. */
export interface StampedWork {
  /** Names the stamp. Unique among the steps. */
  readonly name: string;
  /** Globs, from the root, of all that the work depends on. One may match nothing. */
  readonly inputs: readonly string[];
  /** Globs, from the root, of what the work makes. Each must match afterwards. */
  readonly outputs: readonly string[];
}

/** True when `work` was completed from the present inputs and its outputs are as it left them. */
export async function isFresh(root: string, work: StampedWork): Promise<boolean> {
  const stamp = Bun.file(stampPath(root, work));
  if (!(await stamp.exists())) return false;
  const now = stampText(await digest(root, work.inputs), await digest(root, work.outputs));
  return (await stamp.text()) === now;
}

/**
 * Runs `make` and stamps what it made. Without a stamp from the moment it starts until all is done,
 * so that work which fails or is cut off is done again.
 *
 * @returns the first glob of `outputs` that matches nothing (and then there is no stamp), if any.
 */
export async function recordMade(
  root: string,
  work: StampedWork,
  make: () => Promise<void>,
): Promise<string | undefined> {
  const path = stampPath(root, work);
  await rm(path, { force: true });
  // Taken before the work: a source edited while the compiler runs must count as a change.
  const inputs = await digest(root, work.inputs);
  await make();
  const missing = work.outputs.find((glob) => filesMatching(root, [glob]).length === 0);
  if (missing !== undefined) return missing;
  await writeWhole(path, stampText(inputs, await digest(root, work.outputs)));
  return undefined;
}

/** SHA-256 over the names and contents of all files that match, in order of their names. */
async function digest(root: string, globs: readonly string[]): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const path of filesMatching(root, globs)) {
    const contents = await Bun.file(join(root, path)).bytes();
    // The length keeps a boundary between two files from being moved unnoticed.
    hasher.update(`${path}\0${contents.length}\0`).update(contents);
  }
  return hasher.digest("hex");
}

function filesMatching(root: string, globs: readonly string[]): string[] {
  const scan = (glob: string) => [...new Bun.Glob(glob).scanSync({ cwd: root, dot: true })];
  return [...new Set(globs.flatMap(scan))].sort();
}

/** Names the platform too: a checkout may be shared between a machine and a container on it. */
function stampText(inputs: string, outputs: string): string {
  return `${process.platform}-${process.arch}\nmade from ${inputs}\nmade ${outputs}\n`;
}

function stampPath(root: string, work: StampedWork): string {
  return join(root, STATE_DIRECTORY, `${work.name}.stamp`);
}

/** Writes a file so that no reader ever sees half of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await Bun.write(unfinished, text);
  await rename(unfinished, path);
}
