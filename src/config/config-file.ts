/** The config file: JSON or TOML, by its extension, with the keys as code writes them. */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { extname } from "node:path";
import { type ParseError, parseTree } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";

import { fileProblem } from "./file-problem";
import { ConfigError } from "./setting";

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
 * Reads the keys and values of a config file, without judging them.
 *
 * @throws ConfigError naming the file and what is wrong with it
 */
export function readConfigFile(path: string): Record<string, unknown> {
  const format = FORMATS.get(extname(path).toLowerCase());
  if (!format) {
    throw new ConfigError(`the config file must end with .json or .toml, not ${path}`);
  }
  const problem = fileProblem(path);
  if (problem) throw new ConfigError(`the config file ${path} ${problem}`);
  const content = parsed(path, readText(path), format);
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw new ConfigError(`the config file ${path} must hold an object of keys and values`);
}

/** The file's text. It is read no further than it may be long, whatever length it claims. */
function readText(path: string): string {
  const bytes = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  // Opening what has become a pipe since it was looked at must not wait for its writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    for (let read = -1; read !== 0; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`the config file ${path} cannot be read: ${reason}`, { cause });
  } finally {
    closeSync(file);
  }
  if (length <= MAX_BYTES) return bytes.toString("utf8", 0, length);
  throw new ConfigError(`the config file ${path} has more than ${MAX_BYTES} bytes`);
}

/**
 * What the text stands for. Of text that breaks the rules the place is told and nothing else, the
 * error of the parser neither: it quotes the text, which may hold a secret.
 */
function parsed(path: string, text: string, format: Format): unknown {
  try {
    return format.parse(text);
  } catch (error) {
    const place = format.placeOf(text, error);
    const where = place ? `: see line ${place.line}, column ${place.column}` : "";
    throw new ConfigError(`the config file ${path} is not valid ${format.name}${where}`);
  }
}

/** The engine's parser does not tell a place. */
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
