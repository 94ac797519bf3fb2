/** Reads which source files import which, types included, so that a test can keep circles out. */

import { dirname, join } from "node:path";

import { rustImports } from "./rust-imports";

/** The files that each file imports. Files are named from the root of the checkout. */
export type Imports = ReadonlyMap<string, ReadonlySet<string>>;

/** A source file by its path, with its text. */
export type Sources = ReadonlyMap<string, string>;

const TYPESCRIPT_IMPORT = /\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]*)"/g;

/** What each of `sources` imports of the others. */
export function importsOf(sources: Sources): Imports {
  const rust = new Map([...sources].filter(([path]) => /\/src\/.*\.rs$/.test(path)));
  const typeScript = [...sources].filter(([path]) => /\.[jt]s$/.test(path));
  const imports = rustImports(rust);
  for (const [path, text] of typeScript) imports.set(path, typeScriptImports(path, text, sources));
  return imports;
}

function typeScriptImports(path: string, text: string, sources: Sources): Set<string> {
  const named = [...text.matchAll(TYPESCRIPT_IMPORT)].map(([, name]) => String(name));
  const candidates = named.flatMap((name) => {
    const target = join(dirname(path), name);
    return [target, `${target}.ts`, `${target}/index.ts`];
  });
  return new Set(candidates.filter((candidate) => candidate !== path && sources.has(candidate)));
}

/** The shortest way from a file along imports back to itself; nothing when there is none. */
export function circleThrough(file: string, imports: Imports): string[] | undefined {
  const importers = new Map<string, string>();
  const reached = [file];
  for (const importer of reached) {
    for (const imported of imports.get(importer) ?? []) {
      if (imported === file) return [...wayTo(importer, importers), file];
      if (importers.has(imported)) continue;
      importers.set(imported, importer);
      reached.push(imported);
    }
  }
  return undefined;
}

function wayTo(file: string, importers: ReadonlyMap<string, string>): string[] {
  const importer = importers.get(file);
  return importer === undefined ? [file] : [...wayTo(importer, importers), file];
}
