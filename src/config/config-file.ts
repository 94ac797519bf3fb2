/** The config file: JSON or TOML, by its extension, with the keys as code writes them. */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { extname } from "node:path";
import { type ParseError, parseTree } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";

import type { Provider } from "./provider";
import { ConfigError, checked, type Settings } from "./setting";
import { unknownName } from "./unknown-name";

/** More than any configuration. A larger file is another one, named by mistake. */
const MAX_BYTES = 1024 * 1024;

/** Where a file breaks the rules of its format, counted from 1. */
interface Place {
  line: number;
  column: number;
}

interface Format {
  name: string;
  parse(text: string): unknown;
  /** The place of what `parse` has thrown for. */
  placeOf(text: string, error: unknown): Place | undefined;
}

const FORMATS = new Map<string, Format>([
  [".json", { name: "JSON", parse: JSON.parse, placeOf: placeInJson }],
  // A copy has plain objects, which messages show as code would write them.
  [
    ".toml",
    { name: "TOML", parse: (text) => structuredClone(parseToml(text)), placeOf: placeInToml },
  ],
]);

/**
 * Reads a config file.
 *
 * @param path undefined is a file without a value
 * @throws ConfigError naming the file and the key
 */
export function fromFile(settings: Settings, path: string | undefined): Provider {
  const nameOf = (key: string) => `${key} in ${path}`;
  const values = path === undefined ? {} : readConfigFile(path);
  for (const [key, value] of Object.entries(values)) {
    const setting = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (setting) {
      checked(setting, nameOf(key), value);
      continue;
    }
    const unknown = unknownName("configuration key", key, Object.keys(settings));
    throw new ConfigError(`${nameOf(key)}${unknown}`);
  }
  return { values, nameOf };
}

/** The keys and values of a config file, unchecked. */
function readConfigFile(path: string): Record<string, unknown> {
  const format = FORMATS.get(extname(path).toLowerCase());
  if (!format) {
    throw new ConfigError(`the config file must end with .json or .toml, not ${path}`);
  }
  const content = parsed(path, readText(path), format);
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw problem(path, "must hold an object of keys and values");
}

/** The text of the file. Reading stops at the limit, whatever length the file claims. */
function readText(path: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  // To open a pipe must not wait for its writer.
  const file = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  let length = 0;
  try {
    const status = attempt(path, () => fstatSync(file));
    if (status.isDirectory()) throw problem(path, "is a directory, not a file");
    // A device or a pipe may have no end.
    if (!status.isFile()) throw problem(path, "is not a regular file");
    for (let read = -1; read !== 0; length += read) {
      read = attempt(path, () => readSync(file, bytes, length, bytes.length - length, null));
    }
  } finally {
    closeSync(file);
  }
  if (length <= MAX_BYTES) return bytes.toString("utf8", 0, length);
  throw problem(path, `has more than ${MAX_BYTES} bytes`);
}

/** Calls the system. Its error becomes a ConfigError that names the file. */
function attempt<Result>(path: string, call: () => Result): Result {
  try {
    return call();
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw problem(path, REASONS.get(code) ?? `cannot be read: ${message}`, { cause });
  }
}

const REASONS = new Map([
  ["ENOENT", "does not exist"],
  ["ENOTDIR", "does not exist"],
  ["EACCES", "may not be read by this user"],
  // A socket cannot even be opened: ENXIO on Linux, EOPNOTSUPP on macOS.
  ["ENXIO", "is not a regular file"],
  ["EOPNOTSUPP", "is not a regular file"],
]);

function problem(path: string, what: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(`the config file ${path} ${what}`, options);
}

/**
 * The content of the text. An error names the place alone and has no cause: the error of the
 * parser quotes the text, which may hold a secret.
 */
function parsed(path: string, text: string, format: Format): unknown {
  try {
    return format.parse(text);
  } catch (error) {
    const place = format.placeOf(text, error);
    const where = place ? `: see line ${place.line}, column ${place.column}` : "";
    throw problem(path, `is not valid ${format.name}${where}`);
  }
}

/** The engine's parser does not name a place. */
function placeInJson(text: string): Place | undefined {
  const errors: ParseError[] = [];
  try {
    parseTree(text, errors, { disallowComments: true });
  } catch {
    // It is nested too deeply for this parser too.
    return undefined;
  }
  const [first] = errors;
  if (!first) return undefined;
  const before = text.slice(0, first.offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function placeInToml(_text: string, error: unknown): Place | undefined {
  return error instanceof TomlError ? { line: error.line, column: error.column } : undefined;
}
