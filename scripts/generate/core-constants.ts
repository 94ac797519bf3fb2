/**
 * Writes src/sharded/constants.ts anew, from what the addon exports. `bun run build` ends with it.
 *
 *     bun scripts/generate/core-constants.ts
 */

import { join } from "node:path";

import { loadNative } from "../../src/sharded/native";

/** The module, from the root of the checkout. */
export const CONSTANTS_MODULE = "src/sharded/constants.ts";

const ROOT = join(import.meta.dir, "../..");

const HEAD = `/**
 * What the core and TypeScript have to agree on. Written by \`bun run build\`, from
 * core-rs/src/binding/constants.rs and the enums of the binding: do not edit.
 *
 * The values are copies, because these modules are loaded on machines without an addon too, and so
 * that hot calls know them as constants.
 */
`;

/** A constant or an enum of the addon's types, with its doc comment. */
const EXPORTED = /^(\/\*\*(?:(?!\*\/).)*\*\/)\nexport (?:declare const|type) ([A-Z]\w+)/gms;

/** The module as it should be. */
export async function constantsModule(): Promise<string> {
  const types = await Bun.file(join(ROOT, "native/index.d.ts")).text();
  const addon: Record<string, unknown> = { ...loadNative() };
  const declarations = [...types.matchAll(EXPORTED)].flatMap(([, doc, name = ""]) =>
    addon[name] === undefined ? [] : [`${doc}\n${declarationOf(name, addon[name])}`],
  );
  return `${[HEAD, ...declarations].join("\n")}\n`;
}

/** The values of an enum become a list, with its name in the plural. */
function declarationOf(name: string, value: unknown): string {
  if (Array.isArray(value)) return `export const ${name} = ${literalOf(value)} as const;`;
  if (typeof value !== "object") return `export const ${name} = ${literalOf(value)};`;
  const list = `${name.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()}S`;
  return `export const ${list} = ${literalOf(Object.values(value ?? {}))} as const;`;
}

/** As the formatter prints it. */
function literalOf(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  const items = value.map(literalOf);
  const isTable = value.some(Array.isArray);
  return isTable ? `[\n  ${items.join(",\n  ")},\n]` : `[${items.join(", ")}]`;
}

if (import.meta.main) await Bun.write(join(ROOT, CONSTANTS_MODULE), await constantsModule());
