/**
 * Writes the table of docs/configuration.md anew, from the configuration's own.
 *
 *     bun run docs
 */

import { join } from "node:path";

import { CONFIG_KEYS } from "../src/config/config";
import { changingFlagOf, variableOf } from "../src/config/layers";
import type { Setting } from "../src/config/setting";

/** The document, from the root of the checkout. */
export const CONFIGURATION_DOCUMENT = "docs/configuration.md";

const BEGIN = "<!-- begin: written by `bun run docs` -->";
const END = "<!-- end -->";

/** The document with its table as it should be. */
export function withTable(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the document has no place for a table: ${BEGIN}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${table()}\n\n${document.slice(end)}`;
}

function table(): string {
  const rows = Object.entries(CONFIG_KEYS).map(([key, setting]) => {
    const value = String(setting.default) === "" ? "none" : `\`${setting.default}\``;
    const cells = [
      `\`${key}\``,
      value,
      allowed(setting),
      setting.doc,
      places(key, setting.default),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| key | default | values | what it does | flag, variable |\n|---|---|---|---|---|";
  return [head, ...rows].join("\n");
}

function allowed(setting: Setting): string {
  switch (setting.kind) {
    case "switch":
      return "`true`, `false`";
    case "whole":
      return `${setting.min} to ${setting.max}${setting.unit ? ` ${setting.unit}` : ""}`;
    case "list":
      return setting.items?.name ?? "texts";
    case "choice":
      return setting.choices.join(", ");
    case "text":
      return setting.form?.name ?? "a text";
  }
}

function places(key: string, byDefault: unknown): string {
  return `\`${changingFlagOf(key, byDefault)}\`, \`${variableOf(key)}\``;
}

if (import.meta.main) {
  const path = join(import.meta.dir, "..", CONFIGURATION_DOCUMENT);
  await Bun.write(path, withTable(await Bun.file(path).text()));
}
