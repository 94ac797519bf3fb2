/**
 * Installs Chromium for the tests in a browser, where there is none. A machine can do without.
 *
 *     bun scripts/tools/chromium.ts
 *
 * It installs Debian's package, as root, because a browser needs a hundred libraries of the
 * system's; without root nothing can be done.
 */

import { $ } from "bun";

import { endAsStep } from "../child";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

const APT_OPTIONS = [
  "--yes",
  "--no-install-recommends",
  // Silence of a mirror that ends the attempt: the tests wait for it.
  ...["-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=2"],
];

/** The Chromium that is installed, if any. */
export function findChromium(path: string = process.env.PATH ?? ""): string | undefined {
  const found = NAMES.map((name) => Bun.which(name, { PATH: path }));
  return found.find((command) => command !== null) ?? undefined;
}

/** True where there are the means to install one. */
export function canInstallChromium(
  path: string = process.env.PATH ?? "",
  isRoot: boolean = process.getuid?.() === 0,
): boolean {
  return isRoot && Bun.which("apt-get", { PATH: path }) !== null;
}

async function installChromium(): Promise<void> {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const get = (...command: string[]) =>
    $`apt-get ${APT_OPTIONS} ${command}`.env(environment).quiet();
  await get("update");
  await get("install", "chromium");
}

if (import.meta.main) await endAsStep(installChromium);
