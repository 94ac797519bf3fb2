/** What the house style asks of every source file, and no formatter or linter checks. */

import { expect, test } from "bun:test";
import { join } from "node:path";

import { allFiles } from "./documents";

const ROOT = join(import.meta.dir, "..");
const MAX_COLUMNS = 100;
const MAX_LINES = 500;

const sources = allFiles().filter((path) => /\.(rs|ts|js|css)$/.test(path));

/** A text has no place to break at, and the formatters leave it whole. */
const isOfOneText = (line: string) => /["'`]/.test(line) && !/^\s*(\/\/|\/?\*)/.test(line);

test.each(sources)("%s has lines and a length that can be read", async (path) => {
  const lines = (await Bun.file(join(ROOT, path)).text()).split("\n");
  const long = lines.flatMap((line, index) =>
    [...line].length > MAX_COLUMNS && !isOfOneText(line) ? [`${path}:${index + 1}`] : [],
  );
  expect(long).toEqual([]);
  expect(lines.length - 1).toBeLessThanOrEqual(MAX_LINES);
});
