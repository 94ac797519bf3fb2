/** What the house style asks of every source file, and no formatter or linter checks. */

import { expect, test } from "bun:test";
import { join } from "node:path";

import { allDocuments, allFiles } from "./tidy/documents";
import { circleThrough, importsOf } from "./tidy/imports";

const ROOT = join(import.meta.dir, "..");
const MAX_COLUMNS = 100;
const MAX_LINES = 500;

const sources = allFiles().filter((path) => /\.(rs|ts|js|css)$/.test(path));
const readText = async (path: string) => [path, await Bun.file(join(ROOT, path)).text()] as const;
const texts = new Map(await Promise.all(sources.map(readText)));

/** Files that stand in a circle today. None may be added, and one that is out of it must go. */
const KNOWN_IN_CIRCLES: readonly string[] = [];

/** Files that hold methods of another file's type today, where a part of its own belongs. */
const KNOWN_CHAPTERS: readonly string[] = [];

/** Words that only this project would know, where the field has a term, and absent persons. */
const PRIVATE_WORDS = [
  "bridge",
  "chair",
  "decider",
  "doorbell",
  "entrant",
  "farewell",
  "foresee",
  "goodbye",
  "guest",
  "house",
  "lacked",
  "lane",
  "nobody",
  "objection",
  "patience",
  "reception",
  "reseated",
  "roster",
  "rush",
  "shortcut",
  "somebody",
  "station",
  "strike",
  "whoever",
];

/** Those that still stand somewhere. None may be added, and one that is gone must go. */
const KNOWN_PRIVATE_WORDS = ["nobody", "somebody", "whoever"];

/** A text has no place to break at, and the formatters leave it whole. */
const isOfOneText = (line: string) => /["'`]/.test(line) && !/^\s*(\/\/|\/?\*)/.test(line);

test.each([...texts])("%s has lines and a length that can be read", (path, text) => {
  const lines = text.split("\n");
  const long = lines.flatMap((line, index) =>
    [...line].length > MAX_COLUMNS && !isOfOneText(line) ? [`${path}:${index + 1}`] : [],
  );
  expect(long).toEqual([]);
  expect(lines.length - 1).toBeLessThanOrEqual(MAX_LINES);
});

test("no file imports itself by way of others, types included", () => {
  const imports = importsOf(texts);
  const circles = sources.map((path) => [path, circleThrough(path, imports)] as const);
  const written = circles.flatMap(([path, circle]) =>
    circle === undefined ? [] : [[path, circle.join(" > ")] as const],
  );
  expectNoMoreThan(KNOWN_IN_CIRCLES, new Map(written));
});

test("the methods of a type stand in the file that declares it", () => {
  const inherent = /^impl(?:<[^>]*>)? (\w+)(?:<.*>)? \{$/gm;
  const chapters = [...texts].flatMap(([path, text]) => {
    const types = [...text.matchAll(inherent)].map(([, name]) => String(name));
    const others = types.filter((name) => !new RegExp(`\\b(struct|enum) ${name}\\b`).test(text));
    return others.length === 0 ? [] : [[path, `${path}: ${others.join(", ")}`] as const];
  });
  expectNoMoreThan(KNOWN_CHAPTERS, new Map(chapters));
});

test("names and sentences use the field's terms", async () => {
  const documents = (await allDocuments()).filter(({ path }) => path !== "CHANGELOG.md");
  const all = new Map([...texts, ...documents.map(({ path, text }) => [path, text] as const)]);
  // This file names them.
  all.delete("scripts/tidy.test.ts");
  const found = new Map<string, string>();
  for (const [path, text] of all) {
    const words = wordsIn(`${path} ${text}`);
    const own = PRIVATE_WORDS.filter((word) => words.has(word) || words.has(`${word}s`));
    for (const word of own) found.set(word, `${word}: ${path}`);
  }
  expectNoMoreThan(KNOWN_PRIVATE_WORDS, found);
});

/** The words of names and sentences, in small letters: of `maxHeadBytes` three. */
function wordsIn(text: string): Set<string> {
  const apart = text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return new Set(apart.match(/[a-z]+/g));
}

/** Fails for what was found and is not known, and for what is known and was not found. */
function expectNoMoreThan(known: readonly string[], found: ReadonlyMap<string, string>): void {
  const added = [...found].filter(([path]) => !known.includes(path)).map(([, what]) => what);
  const gone = known.filter((path) => !found.has(path));
  expect({ added, gone }).toEqual({ added: [], gone: [] });
}
