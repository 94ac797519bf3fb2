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
  const circles = sources.map((path) => circleThrough(path, imports)?.join(" > "));
  expect(circles.filter((circle) => circle !== undefined)).toEqual([]);
});

test("the methods of a type stand in the file that declares it", () => {
  const inherent = /^impl(?:<[^>]*>)? (\w+)(?:<.*>)? \{$/gm;
  const chapters = [...texts].flatMap(([path, text]) => {
    const types = [...text.matchAll(inherent)].map(([, name]) => String(name));
    const others = types.filter((name) => !new RegExp(`\\b(struct|enum) ${name}\\b`).test(text));
    return others.map((name) => `${path}: ${name}`);
  });
  expect(chapters).toEqual([]);
});

test("no two types of the core have one name", () => {
  const declared = /^(?:pub(?:\([a-z]+\))? )?(?:struct|enum|trait|type|union) (\w+)/gm;
  const core = [...texts].filter(([path]) => /^core-rs\/src\/.*\.rs$/.test(path));
  const names = core.flatMap(([, text]) => [...text.matchAll(declared)].map(([, name]) => name));
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test("names and sentences use the field's terms", async () => {
  const documents = (await allDocuments()).filter(({ path }) => path !== "CHANGELOG.md");
  const all = new Map([...texts, ...documents.map(({ path, text }) => [path, text] as const)]);
  // This file names them.
  all.delete("scripts/tidy.test.ts");
  const found = [...all].flatMap(([path, text]) => {
    const words = wordsIn(`${path} ${text}`);
    const own = PRIVATE_WORDS.filter((word) => words.has(word) || words.has(`${word}s`));
    return own.map((word) => `${path}: ${word}`);
  });
  expect(found).toEqual([]);
});

/** The words of names and sentences, in small letters: of `maxHeadBytes` three. */
function wordsIn(text: string): Set<string> {
  const apart = text.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return new Set(apart.match(/[a-z]+/g));
}
