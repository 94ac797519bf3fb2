/** The places that values come from, and which of them wins. */

/** What one place provides, or several together: values, checked, by key. */
export interface Provider {
  readonly values: Record<string, unknown>;
  /** What the place calls a key, for messages: `--num-shards`, `numShards in shardcast.json`. */
  readonly nameOf: (key: string) => string;
}

/** What the program itself provides. `resolveConfig` checks it, as it checks all values of code. */
export function fromCode(values: object): Provider {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
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
