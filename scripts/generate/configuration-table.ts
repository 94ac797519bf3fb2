/**
 * Writes the table of docs/configuration.md anew, from the configuration's own.
 *
 *     bun run docs
 */

import { join } from "node:path";
import { changingFlagOf } from "../../src/config/flags";
import { CONFIG_KEYS } from "../../src/config/keys";
import type { Setting } from "../../src/config/setting";
import { variableOf } from "../../src/config/variables";

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
      flagAndVariable(key, setting),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| key | default | values | what it does | flag, variable |\n|---|---|---|---|---|";
  return [head, ...rows].join("\n");
}

function allowed(setting: Setting): string {
  switch (setting.kind) {
    case "boolean":
      return "`true`, `false`";
    case "integer":
      return `${setting.min} to ${setting.max}${setting.unit ? ` ${setting.unit}` : ""}`;
    case "list":
      return setting.items?.name ?? "strings";
    case "enum":
      return setting.choices.join(", ");
    case "string":
      return setting.format?.name ?? "a string";
  }
}

function flagAndVariable(key: string, setting: Setting): string {
  return `\`${changingFlagOf(key, setting)}\`, \`${variableOf(key, setting)}\``;
}

if (import.meta.main) {
  const path = join(import.meta.dir, "../..", CONFIGURATION_DOCUMENT);
  await Bun.write(path, withTable(await Bun.file(path).text()));
}
