import { CONFIG_KEYS, type ConfigKey, type ResolvedConfig } from "../config/config";
import type { Setting } from "../config/setting";

/** What the sentence about a sharded server says already. */
const TOLD: ConfigKey[] = [
  "useSharding",
  "numShards",
  "workersPerShard",
  "maxClients",
  "bufferSize",
  "dropSlowClients",
];

/** What Bun is told of without sharding. All else is the core's. */
const OF_BUN: ConfigKey[] = [
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

/** A configuration for people, in one line: what it comes to, then whatever else is no default. */
export function describe(config: ResolvedConfig): string {
  const all = Object.keys(CONFIG_KEYS) as ConfigKey[];
  const keys = config.useSharding ? all.filter((key) => !TOLD.includes(key)) : OF_BUN;
  const changed = keys.filter((key) => String(config[key]) !== String(CONFIG_KEYS[key].default));
  return [sentence(config), ...changed.map((key) => `${key} ${shown(config, key)}`)].join("; ");
}

/** A secret is not repeated. */
function shown(config: ResolvedConfig, key: ConfigKey): string {
  const setting: Setting = CONFIG_KEYS[key];
  return setting.secret ? "is set" : String(config[key]);
}

function sentence({ useSharding, ...config }: ResolvedConfig): string {
  if (!useSharding) return "without sharding, on Bun's own publish";
  const { numShards, workersPerShard, maxClients, bufferSize, dropSlowClients } = config;
  const policy = dropSlowClients ? "disconnected" : "skipped ahead";
  return (
    `${numShards} shards of ${workersPerShard} workers, up to ${maxClients} clients each; ` +
    `slow clients are ${policy} after ${bufferSize} messages`
  );
}
