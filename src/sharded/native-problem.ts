/** Why the native addon does not load, and what to do about it. */

import { readdirSync } from "node:fs";

/** Where a program runs, in Node's words: `linux`, `darwin`; `x64`, `arm64`. */
export interface Platform {
  platform: string;
  arch: string;
}

/** What the addon is built for. Its files are named `shardcast.<platform>-<arch>…node`. */
const SUPPORTED = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];
const ADDON_FILE = /^shardcast\.(.+)\.node$/;
const BUILD =
  "run `bun install && bun run build` in a clone of shardcast, which needs Rust " +
  "(https://rustup.rs) and a C compiler, and pack it anew for an app that has it packed";

/**
 * Explains a failed load.
 *
 * @param directory where the build puts the addon
 * @param cause what loading it threw
 */
export function nativeProblem(
  directory: string,
  { platform, arch }: Platform,
  cause: unknown,
): string {
  const here = `${platform}-${arch}`;
  if (!SUPPORTED.includes(here)) {
    return (
      `the native addon does not run on ${here}, but on ${SUPPORTED.join(", ")}: ` +
      "useSharding: false (--no-sharding) works without it"
    );
  }
  const built = builtFor(directory);
  if (built.length === 0) return `the native addon is not built: ${BUILD}`;
  const own = built.find((target) => target === here || target.startsWith(`${here}-`));
  if (!own) {
    return `the native addon is built for ${built.join(" and ")}, and this is ${here}: ${BUILD}`;
  }
  return (
    `the native addon shardcast.${own}.node cannot be loaded (${reason(cause)}). ` +
    `If it was built on another machine, ${BUILD}`
  );
}

/** The platforms whose addon lies in a directory, such as `linux-x64-gnu`. */
function builtFor(directory: string): string[] {
  let files: string[];
  try {
    files = readdirSync(directory);
  } catch {
    return [];
  }
  return files.flatMap((file) => ADDON_FILE.exec(file)?.[1] ?? []).sort();
}

/** The message of the system's loader, at the end of the chain of causes. */
function reason(error: unknown): string {
  let last = error;
  while (last instanceof Error && last.cause) last = last.cause;
  return last instanceof Error ? last.message : String(last);
}
