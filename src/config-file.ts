/** The config file: JSON or TOML, by its extension, with the keys as code writes them. */

import { readFileSync } from "node:fs";
import { extname } from "node:path";

import { fileProblem } from "./file-problem";
import { ConfigError } from "./setting";

const PARSERS = new Map<string, (text: string) => unknown>([
  [".json", JSON.parse],
  [".toml", Bun.TOML.parse],
]);

/**
 * Reads the keys and values of a config file, without judging them.
 *
 * @throws ConfigError naming the file and what is wrong with it
 */
export function readConfigFile(path: string): Record<string, unknown> {
  const parse = PARSERS.get(extname(path).toLowerCase());
  if (!parse) {
    throw new ConfigError(`the config file must end with .json or .toml, not ${path}`);
  }
  const problem = fileProblem(path);
  if (problem) throw new ConfigError(`the config file ${path} ${problem}`);
  const content = parsed(path, parse);
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw new ConfigError(`the config file ${path} must hold an object of keys and values`);
}

function parsed(path: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the config file ${path} cannot be read: ${reason}`, { cause });
  }
}
