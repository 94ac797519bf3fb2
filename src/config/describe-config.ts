import type { ConfigKey, ResolvedConfig } from "./config";
import { CONFIG_KEYS } from "./keys";
import type { Setting } from "./setting";

/** The keys that the sentence about a sharded server names. */
const IN_SENTENCE: ConfigKey[] = [
  "useSharding",
  "numShards",
  "workersPerShard",
  "maxClients",
  "bufferSize",
  "dropSlowClients",
];

/** The keys that have an effect without sharding. All others are for the core. */
const WITHOUT_SHARDING: ConfigKey[] = [
  "maxPayloadLength",
  "backpressureLimit",
  "closeOnBackpressureLimit",
  "publishToSelf",
  "idleTimeout",
  "sendPings",
  "perMessageDeflate",
  "drainTimeoutMs",
  "drainSpreadMs",
  "maxChannelsPerClient",
];

/**
 * A configuration for people, in one line: what it comes to, then every key that differs from its
 * default. Secrets are left out.
 */
export function describeConfig(config: ResolvedConfig): string {
  const all = Object.keys(CONFIG_KEYS) as ConfigKey[];
  const keys = config.useSharding
    ? all.filter((key) => !IN_SENTENCE.includes(key))
    : WITHOUT_SHARDING;
  const changed = keys.filter((key) => String(config[key]) !== String(CONFIG_KEYS[key].default));
  return [sentence(config), ...changed.map((key) => `${key} ${shown(config, key)}`)].join("; ");
}

function shown(config: ResolvedConfig, key: ConfigKey): string {
  const setting: Setting = CONFIG_KEYS[key];
  return setting.secret ? "is set" : String(config[key]);
}

function sentence({ useSharding, ...config }: ResolvedConfig): string {
  if (!useSharding) return "without sharding, on Bun's own publish";
  const { numShards, workersPerShard, maxClients, bufferSize, dropSlowClients } = config;
  const policy = dropSlowClients ? "are disconnected" : "skip messages";
  return (
    `${numShards} shards of ${workersPerShard} workers, up to ${maxClients} clients each; ` +
    `slow clients ${policy} after ${bufferSize} messages`
  );
}
