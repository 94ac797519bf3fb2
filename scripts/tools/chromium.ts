/**
 * Provides Chromium for the tests in a browser. A machine can do without.
 *
 *     bun scripts/tools/chromium.ts
 *
 * One that is installed is used. Otherwise Debian's package is installed, as root, because a
 * browser needs a hundred libraries of the system's; without root nothing can be done.
 */

import { mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "bun";

import { endAsStep } from "../child";

/** A link to it, from the root of the checkout. Not under version control. */
export const LOCAL_CHROMIUM = ".tools/chromium";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const APT_OPTIONS = [
  "--yes",
  "--no-install-recommends",
  // Silence of a mirror that ends the attempt: the tests wait for it.
  ...["-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=2"],
];

/** The Chromium of the checkout `root`, if any. */
export async function findChromium(root: string): Promise<string | undefined> {
  const link = join(root, LOCAL_CHROMIUM);
  return (await Bun.file(link).exists()) ? link : undefined;
}

/** The Chromium that is installed, if any. */
function installedChromium(path: string): string | undefined {
  for (const name of NAMES) {
    const found = Bun.which(name, { PATH: path });
    if (found !== null) return found;
  }
  return undefined;
}

/** True where there is a Chromium, or the means to install one. */
export function canProvideChromium(
  path: string = process.env.PATH ?? "",
  isRoot: boolean = process.getuid?.() === 0,
): boolean {
  const canInstall = isRoot && Bun.which("apt-get", { PATH: path }) !== null;
  return canInstall || installedChromium(path) !== undefined;
}

/** Links a Chromium into the checkout `root`, after installing one if need be. */
async function provideChromium(root: string): Promise<void> {
  const path = process.env.PATH ?? "";
  if (installedChromium(path) === undefined) await install();
  const chromium = installedChromium(path);
  if (chromium === undefined) throw new Error("Debian's package brought no chromium on the path");
  const link = join(root, LOCAL_CHROMIUM);
  await mkdir(join(link, ".."), { recursive: true });
  await rm(link, { force: true });
  await symlink(chromium, link);
}

async function install(): Promise<void> {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const get = (...command: string[]) =>
    $`apt-get ${APT_OPTIONS} ${command}`.env(environment).quiet();
  await get("update");
  await get("install", "chromium");
}

if (import.meta.main) await endAsStep(provideChromium);
