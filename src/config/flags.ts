/** The command line: the flags of settings, their help, and the values that they provide. */

import { parseArgs } from "node:util";

import type { Provider } from "./provider";
import { ConfigError, checked, fromText, type Setting, type Settings, type Value } from "./setting";
import { nearestName } from "./unknown-name";

/** The flag of a setting without `--`: its own, or `num-shards` of `numShards`. */
export function flagOf(key: string, { flag }: Pick<Setting, "flag"> = {}): string {
  return flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flag that sets a key to what it is not by default: `--no-sharding` of `useSharding`. */
export function changingFlagOf(key: string, setting: Setting): string {
  return setting.default === true ? `--no-${flagOf(key, setting)}` : `--${flagOf(key, setting)}`;
}

/**
 * Reads the command line.
 *
 * @throws ConfigError naming the flag
 */
export function fromFlags(settings: Settings, args: string[]): Provider {
  const nameOf = (key: string) => `--${flagOf(key, settings[key])}`;
  const flags = parseFlags(settings, args);
  const values: Record<string, Value> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const given = flags[flagOf(key, setting)];
    if (typeof given === "string") values[key] = fromText(setting, nameOf(key), given);
    else if (given !== undefined) values[key] = checked(setting, nameOf(key), given);
  }
  return { values, nameOf };
}

function parseFlags(settings: Settings, args: string[]): Record<string, unknown> {
  const options: Record<string, { type: "string" | "boolean"; multiple: boolean }> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const type = setting.kind === "boolean" ? "boolean" : "string";
    options[flagOf(key, setting)] = { type, multiple: setting.kind === "list" };
  }
  try {
    return parseArgs({ args, options, allowNegative: true }).values;
  } catch (error) {
    const known = Object.keys(options).flatMap((flag) => [flag, `no-${flag}`]);
    throw new ConfigError(flagProblem(error as NodeJS.ErrnoException, known));
  }
}

/**
 * What is wrong with the command line. An argument that belongs to no flag is not repeated: it may
 * be the rest of a secret whose quotes are missing.
 */
function flagProblem({ code, message }: NodeJS.ErrnoException, known: string[]): string {
  if (code === "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL") {
    return "an argument belongs to no flag; a value with spaces needs quotes";
  }
  const [, flag] = /^Unknown option '(-[^'=]*)'/.exec(message) ?? [];
  if (flag === undefined) return message;
  const nearest = nearestName(flag, known);
  return `unknown flag ${flag}${nearest === undefined ? "" : `: did you mean --${nearest}?`}`;
}

/** The lines that `--help` prints of settings: of each its flag, a value and what it does. */
export function helpOf(settings: Settings): string {
  return Object.entries(settings).map(helpLine).join("\n");
}

function helpLine([key, setting]: [string, Setting]): string {
  const flag = changingFlagOf(key, setting);
  if (setting.kind === "boolean") {
    return `  ${flag}\n      ${setting.default ? "Turns this off: " : ""}${setting.doc}`;
  }
  const value = setting.placeholder ?? setting.default;
  const unit = setting.kind === "integer" && setting.unit ? ` (${setting.unit})` : "";
  return `  ${flag} ${value}\n      ${setting.doc}${unit}`;
}
