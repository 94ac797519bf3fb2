/**
 * The configuration: its keys, their defaults and what is allowed. Everything that speaks of a key
 * (types, flags, documentation) is derived from the one table here.
 */

import { headLimitOfProcess } from "../elysia/head-limits";
import type { Logger } from "../logging/logger";
import type { SkipListener } from "../sharded/clients";
import { MAX_SHARDS, MAX_WORKERS } from "../sharded/constants";
import { isAddressOrBlock } from "../sharded/trusted-proxies";
import {
  ConfigError,
  checked,
  type List,
  type Switch,
  show,
  type Text,
  type ValueOf,
  type Whole,
} from "./setting";
import { unknownName } from "./unknown-name";

export { ConfigError };

/** A key whose value is on or off. */
export interface ConfigSwitch extends Switch {
  default: boolean;
}

/** A key whose value is a whole number. */
export interface ConfigWhole extends Whole {
  default: number;
  unit: string;
}

/** A key whose value is a text; an empty one is none. */
export interface ConfigText extends Text {
  default: "";
}

/** A key whose value is a list of texts. */
export interface ConfigList extends List {
  default: string[];
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** The most that Bun takes for a limit of a WebSocket's bytes. */
const MAX_SOCKET_BYTES = 2 ** 32 - 1;
/** A day. Longer waits are mistakes. */
const MAX_WAIT_MS = 86_400_000;

function whole(options: Omit<ConfigWhole, "kind">): ConfigWhole {
  return { kind: "whole", ...options };
}

function toggle(options: Omit<ConfigSwitch, "kind">): ConfigSwitch {
  return { kind: "switch", ...options };
}

/** Every key but the functions, with what is to be known of it. */
export const CONFIG_KEYS = {
  useSharding: toggle({
    default: true,
    doc: "Fan out on native threads. Off: the original broadcaster, on Bun's own publish.",
  }),
  numShards: whole({
    default: 4,
    min: 1,
    max: MAX_SHARDS,
    unit: "shards",
    doc: "Shards over which clients are spread by a hash of their id, FNV-1a unless `placementKey` is set.",
  }),
  workersPerShard: whole({
    default: 4,
    min: 1,
    max: 64,
    unit: "workers",
    doc: "Worker threads of each shard.",
  }),
  placementKey: {
    kind: "text",
    default: "",
    secret: true,
    form: { name: "32 hexadecimal digits", allows: (text) => /^([\da-f]{32})?$/i.test(text) },
    doc:
      "A secret with which clients are spread by SipHash-2-4 of their id, so that those who choose " +
      "their ids cannot choose their worker.",
  },
  workerNiceness: whole({
    default: 10,
    min: 0,
    max: 19,
    unit: "levels",
    doc: "How much nicer worker threads are, so that HTTP is answered first on busy cores (Linux).",
  }),
  maxClients: whole({
    default: 1000,
    min: 1,
    max: 10_000_000,
    unit: "clients",
    doc: "Clients of each shard. One more is refused with 503.",
  }),
  bufferSize: whole({
    default: 100,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "How far a client may fall behind before it is slow.",
  }),
  bufferBytes: whole({
    default: 16 * MIB,
    min: KIB,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "How far a client may fall behind before it is slow, in bytes.",
  }),
  dropSlowClients: toggle({
    default: true,
    doc: "Disconnect slow clients with code 1013. Off: they skip what they missed.",
  }),
  maxPayloadLength: whole({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "Largest message from a client. A larger one closes it with 1009.",
  }),
  maxIncompleteBytes: whole({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc:
      "What a worker keeps of messages that are not complete. Past it, the client with the most is " +
      "closed with 1013. One message of `maxPayloadLength` always has room.",
  }),
  messageTimeoutMs: whole({
    // Enough for 16 MiB at half a megabit a second.
    default: 300_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a message to be complete. Then its client is closed with 1008. 0 is any time.",
  }),
  maxJsonLength: whole({
    // JavaScriptCore takes 20 ns for each bracket of "[[[…", which is the worst.
    default: 32 * KIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "characters",
    doc: "Longest message that a route gets parsed, as JSON. A longer one it gets as text.",
  }),
  backpressureLimit: whole({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "Direct messages that may wait for one client before another. 0 is no limit.",
  }),
  closeOnBackpressureLimit: toggle({
    default: false,
    doc: "Drop a client for which more than backpressureLimit waits. Off: its message is dropped.",
  }),
  publishToSelf: toggle({
    default: false,
    doc: "What a socket publishes it hears itself too, if it is subscribed.",
  }),
  idleTimeout: whole({
    default: 120,
    min: 0,
    max: 960,
    unit: "seconds",
    doc: "Silence after which a client is given up. 0 is never.",
  }),
  sendPings: toggle({
    default: true,
    doc: "Ping a client after half of that silence.",
  }),
  perMessageDeflate: toggle({
    default: false,
    doc: "Compress messages, each once, for clients that ask for it (permessage-deflate).",
  }),
  compressionThreshold: whole({
    default: 256,
    min: 0,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "Messages that are shorter are not compressed.",
  }),
  queueMessages: whole({
    default: 16_384,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "Published messages that may wait in one worker's queue. More are dropped for it.",
  }),
  queueBytes: whole({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc: "The same in bytes.",
  }),
  saturationPercent: whole({
    default: 50,
    min: 1,
    max: 100,
    unit: "percent",
    doc: "Part of a worker's queue past which it is saturated, and sources that can wait do.",
  }),
  maxChannelsPerClient: whole({
    // To subscribe to so many in a row takes the JavaScript thread half a millisecond.
    default: 512,
    min: 1,
    max: 65_536,
    unit: "channels",
    doc: "Channels that one client may be subscribed to.",
  }),
  headTimeoutMs: whole({
    default: 10_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a request's head to arrive.",
  }),
  maxHeadBytes: whole({
    // Holds a request for 128 channels of 200 characters.
    default: 32 * KIB,
    min: 256,
    max: 16 * MIB,
    unit: "bytes",
    doc:
      "Size of a request's head. A larger one is refused with 431. Where " +
      "`--max-http-header-size` or `http.maxHeaderSize` is set, that is the default.",
  }),
  maxHttpRequests: whole({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "requests",
    doc: "Plain requests that the app may be at, at once. One more is refused with 503.",
  }),
  trustedProxies: {
    kind: "list",
    default: [],
    items: {
      name: "IP addresses and blocks of them, such as 10.0.0.0/8",
      allows: isAddressOrBlock,
    },
    doc: "Proxies whose X-Forwarded-For tells the client's address. Nobody else's is believed.",
  },
  upgradeTimeoutMs: whole({
    default: 30_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for the app to decide on an upgrade. Then it is refused with 503.",
  }),
  maxPendingUpgrades: whole({
    default: 16_384,
    min: 1,
    max: 1_000_000,
    unit: "upgrades",
    doc: "Upgrades that may wait for the app's decision. One more is refused with 503.",
  }),
  drainTimeoutMs: whole({
    default: 10_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a shutdown. Then everything ends, delivered or not.",
  }),
  drainSpreadMs: whole({
    default: 1_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "A shutdown closes the clients evenly over this time.",
  }),
} satisfies Record<string, ConfigSwitch | ConfigWhole | ConfigText | ConfigList>;

type Keys = typeof CONFIG_KEYS;
/** A key of the table. */
export type ConfigKey = keyof Keys;

/** What an app can bring of its own. */
export interface ConfigHooks {
  /** Names the client for its placement. Default: a random UUID. */
  clientId?: (request: Request) => string;
  /** Is told when a slow client has missed messages, with `dropSlowClients: false`. */
  onSkip?: SkipListener;
  /** Where log lines go. Default: standard error, warnings and errors alone. */
  logger?: Logger;
}

/** What an app may configure. What is left out, or undefined, has its default. */
export type ShardcastConfig = {
  [Key in ConfigKey]?: ValueOf<Keys[Key]> | undefined;
} & ConfigHooks;

/** The whole configuration. */
export type ResolvedConfig = { readonly [Key in ConfigKey]: ValueOf<Keys[Key]> } & ConfigHooks;

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param nameOf how messages call a key, where its value does not come from code
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
    const known = [...Object.keys(CONFIG_KEYS), "clientId", "onSkip", "logger"];
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
