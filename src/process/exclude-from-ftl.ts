import * as jsc from "bun:jsc";

/**
 * Keeps the last of JavaScriptCore's compilers, FTL, from functions that run once for each client.
 *
 * They mostly call native code, and thousands of clients that come while it compiles wait for the
 * core that it takes: `bench/README.md` says how much of it.
 */
export function excludeFromFtl(...functions: ((...args: never[]) => unknown)[]): void {
  // A diagnostic function of Bun's, without which everything works.
  for (const each of functions) jsc.noFTL?.(each as (...args: unknown[]) => unknown);
}
