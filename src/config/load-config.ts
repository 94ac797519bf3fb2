/** Where the configuration comes from, and which place wins over which. */

import { createLogger, type Logger } from "../logging/logger";
import { SERVER_SETTINGS } from "../server/server-settings";
import { CONFIG_KEYS, type ResolvedConfig, resolveConfig, type ShardcastConfig } from "./config";
import {
  type Environment,
  fromCode,
  fromFile,
  fromFlags,
  fromVariables,
  type Layer,
  merged,
  type Settings,
  unknownVariables,
  type ValuesOf,
} from "./layers";
import { MAX_EXPECTED_CLIENTS, recommendedConfig } from "./recommend";
import type { Setting } from "./setting";

/** The file itself, which can be named everywhere but in the file. */
const CONFIG_FILE = {
  kind: "text",
  doc: "A .json or .toml file with the keys of the configuration, such as numShards.",
} as const satisfies Setting;

const EXPECTED_CLIENTS = {
  kind: "whole",
  min: 0,
  max: MAX_EXPECTED_CLIENTS,
  unit: "clients",
  doc: "Starts from what is recommended for so many clients, instead of the defaults.",
} as const satisfies Setting;

/** What an app can be configured with from outside. */
export const LOADED_SETTINGS = { expectedClients: EXPECTED_CLIENTS, ...CONFIG_KEYS };
/** What can be said besides in flags and variables. */
export const FILE_SETTING = { config: CONFIG_FILE };

/** The configuration, or the number of clients to choose one for. */
export interface Overrides extends ShardcastConfig {
  /** Starts from `recommendedConfig` of this number, instead of the defaults. */
  expectedClients?: number | undefined;
}

/** Where to look. Each place wins over those below it, and all of them over the defaults. */
export interface ConfigPlaces {
  /** What the program itself decides. */
  overrides?: Overrides;
  /** Flags, such as `["--num-shards", "2"]`. Default: none. */
  args?: string[];
  /** `SHARDCAST_…` variables. Default: those of this process. */
  env?: Environment;
  /** The config file. Default: that of `--config`, or else of `SHARDCAST_CONFIG`, or else none. */
  file?: string;
}

/**
 * Loads the configuration. Code wins over flags, flags over variables, variables over the config
 * file, and the file over the defaults. A variable that begins with `SHARDCAST_` and belongs to no
 * setting is logged as a warning.
 *
 * @returns every key: given to `shardcast`, none is left to the `websocket` options of Elysia
 * @throws ConfigError naming the value, the place that it comes from and what is allowed
 *
 * @example
 * ```ts
 * const adapter = shardcast(loadConfig({ file: "shardcast.toml", overrides: { numShards: 2 } }));
 * ```
 */
export function loadConfig(places: ConfigPlaces = {}): ResolvedConfig {
  warnOfUnknownVariables(places.env ?? process.env, places.overrides?.logger);
  return toConfig(layered(LOADED_SETTINGS, places));
}

/** Logs the variables that look like a setting's. Those of the ready-made server are known too. */
export function warnOfUnknownVariables(env: Environment, logger?: Logger): void {
  const known = { ...FILE_SETTING, ...LOADED_SETTINGS, ...SERVER_SETTINGS };
  const warnings = unknownVariables(known, env);
  if (warnings.length === 0) return;
  const told = logger ?? createLogger();
  for (const warning of warnings) told.warn({}, warning);
}

/** All that the places say about the settings; of two that say something, the higher one. */
export function layered<Of extends Settings>(
  settings: Of,
  { overrides = {}, args = [], env = process.env, file }: ConfigPlaces,
): Layer<ValuesOf<Of>> {
  const outside = { ...FILE_SETTING, ...settings };
  const flags = fromFlags(outside, args);
  const variables = fromVariables(outside, env);
  const path = file ?? flags.values.config ?? variables.values.config;

  const layers = [
    fromCode(overrides),
    flags,
    variables,
    fromFile(settings, path as string | undefined),
  ];
  const { values, nameOf } = merged(layers);
  const { config: _, ...rest } = values;
  // Every layer has checked its values against the settings.
  return { values: rest as ValuesOf<Of>, nameOf };
}

/** Fills in what is recommended for the number of clients, if that is known, or the defaults. */
export function toConfig({ values, nameOf }: Layer<Overrides>): ResolvedConfig {
  const { expectedClients, ...given } = values;
  const base = expectedClients === undefined ? {} : recommendedConfig(expectedClients);
  return resolveConfig({ ...base, ...given }, nameOf);
}
