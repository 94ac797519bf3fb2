/** The places that values come from, and which of them wins. */

import { checked, type Settings } from "./setting";

/** What one place provides, or several together: values, checked, by key. */
export interface Provider {
  readonly values: Record<string, unknown>;
  /** What the place calls a key, for messages: `--num-shards`, `numShards in shardcast.json`. */
  readonly nameOf: (key: string) => string;
}

/**
 * What the program itself provides. `resolveConfig` checks it, as it checks all values of code.
 *
 * @param own settings of the app, which `resolveConfig` does not know: they are checked here
 * @throws ConfigError naming the key
 */
export function fromCode(own: Settings, values: object): Provider {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    const setting = Object.hasOwn(own, key) ? own[key] : undefined;
    if (setting) checked(setting, key, value);
  }
  return { values: Object.fromEntries(given), nameOf: (key) => key };
}

/** Merges providers, each of which wins over those behind it, key by key. */
export function merged(providers: readonly Provider[]): Provider {
  const winner = (key: string) => providers.find(({ values }) => Object.hasOwn(values, key));
  return {
    values: Object.assign({}, ...providers.toReversed().map(({ values }) => values)),
    nameOf: (key) => winner(key)?.nameOf(key) ?? key,
  };
}
