/** The ready-made server stands on what any app has, and the library does not know it. */

import { expect, test } from "bun:test";
import { join } from "node:path";

import { allFiles } from "./documents";
import { importsOf } from "./imports";

const ROOT = join(import.meta.dir, "../..");
const SERVER = "src/server/";
const LIBRARY = "src/index.ts";

const files = allFiles().filter((path) => /^src\/.*\.[jt]s$/.test(path));
const texts = files.map(async (path) => [path, await Bun.file(join(ROOT, path)).text()] as const);
const imports = importsOf(new Map(await Promise.all(texts)));

/** The imports that cross the border, as `file > imported file`. */
function crossings(isForbidden: (from: string, to: string) => boolean): string[] {
  return [...imports].flatMap(([from, imported]) =>
    [...imported].filter((to) => isForbidden(from, to)).map((to) => `${from} > ${to}`),
  );
}

test("the server imports nothing of the library but its public interface", () => {
  const isInner = (path: string) => !path.startsWith(SERVER) && path !== LIBRARY;
  expect(crossings((from, to) => from.startsWith(SERVER) && isInner(to))).toEqual([]);
  // The test reads imports at all.
  expect(crossings((from, to) => from.startsWith(SERVER) && to === LIBRARY)).not.toEqual([]);
});

test("the library imports nothing of the server", () => {
  expect(crossings((from, to) => !from.startsWith(SERVER) && to.startsWith(SERVER))).toEqual([]);
});
