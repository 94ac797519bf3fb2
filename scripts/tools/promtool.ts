/**
 * Provides promtool, which checks metrics as Prometheus itself would. Only a test wants it, so a
 * machine can do without.
 *
 *     bun scripts/tools/promtool.ts
 *
 * It is taken out of Debian's package into the checkout: nothing is installed, no service started.
 */

import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "bun";

import { endAsStep } from "../child";

/** Where it is put, from the root of the checkout. Not under version control. */
export const LOCAL_PROMTOOL = ".tools/promtool";

const APT_OPTIONS = [
  // Silence of a mirror that ends the attempt: the tests wait for it.
  ...["-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1"],
  // Its own user may not write into the checkout, of which it would warn.
  ...["-o", "APT::Sandbox::User=root"],
];

/** The promtool of the path, else that of the checkout `root`, else nothing. */
export async function findPromtool(
  root: string,
  path: string = process.env.PATH ?? "",
): Promise<string | undefined> {
  const installed = Bun.which("promtool", { PATH: path });
  if (installed !== null) return installed;
  const local = join(root, LOCAL_PROMTOOL);
  return (await Bun.file(local).exists()) ? local : undefined;
}

/** True where there is no promtool on the path, and the means to fetch one. */
export function canFetchPromtool(path: string = process.env.PATH ?? ""): boolean {
  const has = (tool: string) => Bun.which(tool, { PATH: path }) !== null;
  return !has("promtool") && has("apt-get") && has("dpkg-deb");
}

/** Puts promtool into the checkout `root`. Throws when a command fails. */
export async function fetchPromtool(root: string, isRoot: boolean): Promise<void> {
  const destination = join(root, LOCAL_PROMTOOL);
  await mkdir(join(destination, ".."), { recursive: true });
  // Beside the destination, so that what is complete can be moved there in one step.
  const directory = await mkdtemp(`${destination}-`);
  try {
    await download(directory, isRoot);
    await $`dpkg-deb -x prometheus_*.deb .`.cwd(directory);
    await rename(join(directory, "usr/bin/promtool"), destination);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function download(directory: string, isRoot: boolean): Promise<void> {
  const get = () => $`apt-get ${APT_OPTIONS} download prometheus`.cwd(directory);
  await get().catch(async (error) => {
    // The lists of packages may be absent, as in a container, or old. Only root can renew them.
    if (!isRoot) throw error;
    await $`apt-get ${APT_OPTIONS} update`;
    await get();
  });
}

if (import.meta.main) {
  await endAsStep((root) => fetchPromtool(root, process.getuid?.() === 0));
}
