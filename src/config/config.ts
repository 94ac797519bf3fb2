/** The whole configuration, checked, with a default for every key that is not given. */

import { headLimitOfProcess } from "../elysia/head-limits";
import type { Logger } from "../logging/logger";
import type { SkipListener } from "../sharded/clients/socket";
import { MAX_WORKERS } from "../sharded/constants";
import { CONFIG_KEYS } from "./keys";
import { ConfigError, checked, show, type ValueOf } from "./setting";
import { unknownName } from "./unknown-name";

/** A key of the table. */
export type ConfigKey = keyof typeof CONFIG_KEYS;

/** Functions and objects of the app. */
export interface ConfigHooks {
  /** Returns the client's id, which decides its shard and worker. Default: a random UUID. */
  clientId?: (request: Request) => string;
  /** Called when a slow client has missed messages, with `dropSlowClients: false`. */
  onSkip?: SkipListener;
  /** Where log lines go. Default: standard error, only warnings and errors. */
  logger?: Logger;
}

/** The keys of the hooks. */
export const HOOK_KEYS: readonly string[] = [
  "clientId",
  "onSkip",
  "logger",
] satisfies (keyof ConfigHooks)[];

/** What an app can configure. A missing or undefined key has its default. */
export type ShardcastConfig = {
  [Key in ConfigKey]?: ValueOf<(typeof CONFIG_KEYS)[Key]> | undefined;
} & ConfigHooks;

/** The whole configuration. */
export type ResolvedConfig = {
  readonly [Key in ConfigKey]: ValueOf<(typeof CONFIG_KEYS)[Key]>;
} & ConfigHooks;

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param nameOf the name of a key in messages, if its value does not come from code
 * @throws ConfigError for an unknown key, a value of the wrong type and one out of range
 */
export function resolveConfig(
  input: ShardcastConfig = {},
  nameOf: (key: string) => string = (key) => key,
): ResolvedConfig {
  const { clientId, onSkip, logger, ...values } = input;
  const hooks = checkedHooks({ clientId, onSkip, logger });
  for (const key of Object.keys(values)) {
    if (Object.hasOwn(CONFIG_KEYS, key)) continue;
    const known = [...Object.keys(CONFIG_KEYS), ...HOOK_KEYS];
    throw new ConfigError(`${key}${unknownName("configuration key", key, known)}`);
  }
  const entries = (Object.keys(CONFIG_KEYS) as ConfigKey[]).map((key) => {
    const { [key]: value = defaultOf(key) } = values;
    return [key, checked(CONFIG_KEYS[key], nameOf(key), value)];
  });
  const config: ResolvedConfig = { ...Object.fromEntries(entries), ...hooks };
  checkThreads(config, nameOf);
  return config;
}

/** The default of a key: of the size of heads what the app has set for all of Bun, if it has. */
function defaultOf(key: ConfigKey): unknown {
  const setting = CONFIG_KEYS[key];
  const ofProcess = key === "maxHeadBytes" ? headLimitOfProcess() : undefined;
  if (ofProcess === undefined) return setting.default;
  const { min, max } = CONFIG_KEYS.maxHeadBytes;
  return Math.min(Math.max(ofProcess, min), max);
}

/** The hooks that were given. */
function checkedHooks(hooks: Record<keyof ConfigHooks, unknown>): ConfigHooks {
  const { clientId, onSkip, logger } = hooks;
  for (const [key, hook] of Object.entries({ clientId, onSkip })) {
    if (hook !== undefined && typeof hook !== "function") {
      throw new ConfigError(`${key} must be a function, not ${show(hook)}`);
    }
  }
  if (logger !== undefined && !isLogger(logger)) {
    throw new ConfigError(`logger must have debug, info, warn and error, not ${show(logger)}`);
  }
  return withoutUndefined(hooks as ConfigHooks);
}

function isLogger(value: unknown): value is Logger {
  const logger = value as Partial<Logger> | null;
  const methods = [logger?.debug, logger?.info, logger?.warn, logger?.error];
  return methods.every((method) => typeof method === "function");
}

/** Without the keys that were left undefined, which would hide what they are merged over. */
export function withoutUndefined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function checkThreads(config: ResolvedConfig, nameOf: (key: string) => string): void {
  const workers = config.numShards * config.workersPerShard;
  if (workers <= MAX_WORKERS) return;
  throw new ConfigError(
    `${nameOf("numShards")} times ${nameOf("workersPerShard")} must be at most ${MAX_WORKERS} ` +
      `threads, not ${workers}`,
  );
}
