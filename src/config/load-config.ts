/** Where the configuration comes from, and which place wins over which. */

import { createLogger, guarded } from "../logging/logger";
import { HOOK_KEYS, type ResolvedConfig, resolveConfig, type ShardcastConfig } from "./config";
import { fromFile } from "./config-file";
import { fromFlags, helpOf } from "./flags";
import { CONFIG_KEYS } from "./keys";
import { fromCode, merged } from "./provider";
import { MAX_EXPECTED_CLIENTS, recommendedConfig } from "./recommend";
import { ConfigError, type Environment, type Settings, type ValuesOf } from "./setting";
import { fromVariables, unknownVariables, variablesOf } from "./variables";

/** The file itself, which flags and variables can name, and the file cannot. */
const FILE_SETTING = {
  config: {
    kind: "string",
    placeholder: "FILE",
    doc: "A .json or .toml file with the keys of the configuration, such as numShards.",
  },
} as const satisfies Settings;

const LIBRARY_SETTINGS = {
  expectedClients: {
    kind: "integer",
    placeholder: "20000",
    min: 0,
    max: MAX_EXPECTED_CLIENTS,
    unit: "clients",
    doc: "Starts from the recommended values for this number of clients, instead of the defaults.",
  },
  ...CONFIG_KEYS,
} as const satisfies Settings;

/** The configuration, or the number of clients to compute one for. */
export interface Overrides extends ShardcastConfig {
  /** Starts from `recommendedConfig` of this number, instead of the defaults. */
  expectedClients?: number | undefined;
}

/** Where to look. Each place overrides those below it, and all override the defaults. */
export interface LoadOptions {
  /** Values from code. */
  overrides?: Overrides;
  /** Flags, such as `["--num-shards", "2"]`. Default: none. */
  args?: string[];
  /** `SHARDCAST_…` variables. Default: those of this process. */
  env?: Environment;
  /** The config file. Default: that of `--config`, or else of `SHARDCAST_CONFIG`, or else none. */
  file?: string;
}

/** The configuration, and the app's own settings. */
export interface LoadedSettings<Own extends Settings> {
  config: ResolvedConfig;
  /** The values of the app's own settings. */
  settings: ValuesOf<Own>;
  /** The name of a key in messages: `--port`, `SHARDCAST_PORT` or `port in shardcast.json`. */
  nameOf: (key: string) => string;
}

/**
 * Loads the configuration. Code overrides flags, flags override variables, variables override the
 * config file, and the file overrides the defaults. A variable that begins with `SHARDCAST_` and
 * belongs to no key is logged as a warning.
 *
 * @returns every key, so that `shardcast` takes none from the `websocket` options of Elysia
 * @throws ConfigError with the value, where it comes from, and what is allowed
 *
 * @example
 * ```ts
 * const adapter = shardcast(loadConfig({ file: "shardcast.toml", overrides: { numShards: 2 } }));
 * ```
 */
export function loadConfig(options: LoadOptions = {}): ResolvedConfig {
  const warnings = variableWarnings({}, options.env);
  if (warnings.length > 0) {
    // Before the rest: where it fails, a misspelt variable may be the reason.
    const logger = guarded(options.overrides?.logger ?? createLogger());
    for (const warning of warnings) logger.warn({}, warning);
  }
  return loadSettings({}, options).config;
}

/**
 * A warning for each variable that begins with `SHARDCAST_` and belongs to no setting. Log them
 * also if `loadSettings` throws: a misspelt variable may be the reason.
 *
 * @param own the settings that the app declares
 * @param env default: the variables of this process
 */
export function variableWarnings(own: Settings, env: Environment = process.env): string[] {
  return unknownVariables({ ...FILE_SETTING, ...own, ...LIBRARY_SETTINGS }, env);
}

/**
 * Loads the configuration as `loadConfig` does, together with settings that the app declares. Each
 * of these has a flag, a variable and a key of the config file. Logs nothing; `variableWarnings`
 * returns what `loadConfig` logs.
 *
 * @throws ConfigError with the value, where it comes from, and what is allowed; and for a declared
 *   setting with the key, the flag or the variable of another
 *
 * @example
 * ```ts
 * const { config, settings } = loadSettings(
 *   { room: { kind: "string", default: "lobby", doc: "The room to open." } },
 *   { args: process.argv.slice(2) },
 * );
 * new Elysia({ adapter: shardcast(config) })
 *   .ws("/", { open: (ws) => void ws.subscribe(settings.room) })
 *   .listen(3000);
 * ```
 */
export function loadSettings<const Own extends Settings>(
  own: Own,
  { overrides = {}, args = [], env = process.env, file }: LoadOptions = {},
): LoadedSettings<Own> {
  checkNames(own);
  const inFile = { ...own, ...LIBRARY_SETTINGS };
  const outside = { ...FILE_SETTING, ...inFile };
  const flags = fromFlags(outside, args);
  const variables = fromVariables(outside, env);
  const path = file ?? flags.values.config ?? variables.values.config;
  const fromThatFile = fromFile(inFile, path as string | undefined);
  const { values, nameOf } = merged([fromCode(own, overrides), flags, variables, fromThatFile]);

  const { config: _, ...given } = values;
  const settings: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(own)) {
    settings[key] = given[key] ?? setting.default;
    delete given[key];
  }
  return {
    config: withRecommended(given, nameOf),
    // Every provider has checked its values against the settings.
    settings: settings as ValuesOf<Own>,
    nameOf,
  };
}

/** @throws ConfigError for a setting of the app with the key, flag or variable of another */
function checkNames(own: Settings): void {
  const ofLibrary: Settings = { ...FILE_SETTING, ...LIBRARY_SETTINGS };
  const users = new Map<string, string>();
  for (const [key, setting] of Object.entries({ ...ofLibrary, ...own })) {
    if (Object.hasOwn(own, key) && (Object.hasOwn(ofLibrary, key) || HOOK_KEYS.includes(key))) {
      throw new ConfigError(`${key} is a key of the library, and cannot be a setting of the app`);
    }
    // A flag and its variable are the same name, written in two ways.
    for (const variable of variablesOf(key, setting)) {
      const user = users.get(variable);
      if (user) throw new ConfigError(`${key} has the variable ${variable}, as ${user} has`);
      users.set(variable, key);
    }
  }
}

/** Fills in what is recommended for the number of clients, if that is known, or the defaults. */
function withRecommended(
  { expectedClients, ...given }: Overrides,
  nameOf: (key: string) => string,
): ResolvedConfig {
  const base = expectedClients === undefined ? {} : recommendedConfig(expectedClients);
  return resolveConfig({ ...base, ...given }, nameOf);
}

/**
 * The part of an app's `--help` about the flags of `loadSettings`: a few lines for each.
 *
 * @param own the settings that the app declares
 */
export function flagsHelp(own: Settings = {}): string {
  return helpOf({ ...FILE_SETTING, ...own, ...LIBRARY_SETTINGS });
}
