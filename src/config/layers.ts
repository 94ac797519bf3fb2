/** The places that values come from. What one says is a layer: its values, checked, by key. */

import { parseArgs } from "node:util";

import { readConfigFile } from "./config-file";
import { ConfigError, checked, fromText, type Setting, type ValueOf } from "./setting";
import { nearestName, unknownName } from "./unknown-name";

/** What can be set, by its key. */
export type Settings = Record<string, Setting>;

/** Values of settings, each of the type that its setting has. */
export type ValuesOf<Of extends Settings> = { [Key in keyof Of]?: ValueOf<Of[Key]> };

/** What one place says, or several together. */
export interface Layer<Values = Record<string, unknown>> {
  readonly values: Values;
  /** What the place calls a key, for messages: `--num-shards`, `numShards in shardcast.json`. */
  readonly nameOf: (key: string) => string;
}

/** `useSharding` reads badly as a flag that is negated, and of a list each is given by itself. */
const OWN_FLAGS = new Map([
  ["useSharding", "sharding"],
  ["sources", "source"],
  ["trustedProxies", "trusted-proxy"],
  ["allowedHosts", "allowed-host"],
  ["allowedOrigins", "allowed-origin"],
]);

/** `numShards` is `num-shards` on the command line. */
export function flagOf(key: string): string {
  return OWN_FLAGS.get(key) ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flag that sets a key to what it is not by default: a switch that is on is turned off. */
export function changingFlagOf(key: string, byDefault: unknown): string {
  return byDefault === true ? `--no-${flagOf(key)}` : `--${flagOf(key)}`;
}

/** `numShards` is `SHARDCAST_NUM_SHARDS` in the environment. */
export function variableOf(key: string): string {
  return toVariable(flagOf(key));
}

const PREFIX = "SHARDCAST_";

function toVariable(flag: string): string {
  return `${PREFIX}${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** What the program says itself. `resolveConfig` checks it, as it checks all that code gives. */
export function fromCode(values: object): Layer {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return { values: Object.fromEntries(given), nameOf: (key) => key };
}

/**
 * What the command line says.
 *
 * @throws ConfigError naming the flag
 */
export function fromFlags(settings: Settings, args: string[]): Layer {
  const nameOf = (key: string) => `--${flagOf(key)}`;
  const flags = parseFlags(settings, args);
  const values: Layer["values"] = {};
  for (const [key, setting] of Object.entries(settings)) {
    const given = flags[flagOf(key)];
    if (typeof given === "string") values[key] = fromText(setting, nameOf(key), given);
    else if (given !== undefined) values[key] = checked(setting, nameOf(key), given);
  }
  return { values, nameOf };
}

function parseFlags(settings: Settings, args: string[]): Record<string, unknown> {
  const options: Record<string, { type: "string" | "boolean"; multiple: boolean }> = {};
  for (const [key, { kind }] of Object.entries(settings)) {
    const type = kind === "switch" ? "boolean" : "string";
    options[flagOf(key)] = { type, multiple: kind === "list" };
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
    return "an argument belongs to no flag; a value with blanks needs quotes";
  }
  const [, flag] = /^Unknown option '(-[^'=]*)'/.exec(message) ?? [];
  if (flag === undefined) return message;
  const nearest = nearestName(flag, known);
  return `there is no flag ${flag}${nearest === undefined ? "" : `: did you mean --${nearest}?`}`;
}

/** The variables of a process, such as `process.env`. */
export type Environment = Record<string, string | undefined>;

/**
 * What the environment says.
 *
 * @throws ConfigError naming the variable
 */
export function fromVariables(settings: Settings, env: Environment): Layer {
  const values: Layer["values"] = {};
  const nameOf = (key: string) => decidingVariable(key, settings[key], env);
  for (const [key, setting] of Object.entries(settings)) {
    const text = env[nameOf(key)];
    const value =
      text === undefined ? fromNegation(key, setting, env) : fromText(setting, nameOf(key), text);
    if (value !== undefined) values[key] = value;
  }
  return { values, nameOf };
}

/** The variable that decides on a key: its own, or else one that stands in for it. */
function decidingVariable(key: string, setting: Setting | undefined, env: Environment): string {
  const own = variableOf(key);
  if (env[own] !== undefined) return own;
  return setting?.otherVariable?.(env) ?? own;
}

/** What Kubernetes and Docker set for a service that is called shardcast. */
const OF_A_SERVICE = /^SHARDCAST_(SERVICE_|PORT_\d)/;

/** A warning for each variable that is named as a setting's and belongs to none. */
export function unknownVariables(settings: Settings, env: Environment): string[] {
  const known = Object.keys(settings).map(variableOf);
  const switches = Object.entries(settings).filter(([, { kind }]) => kind === "switch");
  const negated = switches.map(([key]) => toVariable(`no-${flagOf(key)}`));
  const all = new Set([...known, ...negated]);
  const set = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== undefined);
  const unknown = set.filter((name) => !all.has(name) && !OF_A_SERVICE.test(name));
  return unknown.map((name) => {
    const nearest = nearestName(name, [...all]);
    const advice = nearest === undefined ? "" : `: did you mean ${nearest}?`;
    return `the variable ${name} is ignored, because no setting has that name${advice}`;
  });
}

/** `--x` and `--no-x` have a variable each. */
function fromNegation(key: string, setting: Setting, env: Environment): boolean | undefined {
  const name = toVariable(`no-${flagOf(key)}`);
  const text = setting.kind === "switch" ? env[name] : undefined;
  return text === undefined ? undefined : !fromText(setting, name, text);
}

/**
 * What the config file says.
 *
 * @param path none is a file that says nothing
 * @throws ConfigError naming the file and the key
 */
export function fromFile(settings: Settings, path: string | undefined): Layer {
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

/** Lays the first on top of the others: for each key, the first layer that has it decides. */
export function merged(layers: Layer[]): Layer {
  const deciding = (key: string) => layers.find(({ values }) => Object.hasOwn(values, key));
  return {
    values: Object.assign({}, ...layers.toReversed().map(({ values }) => values)),
    nameOf: (key) => deciding(key)?.nameOf(key) ?? key,
  };
}
