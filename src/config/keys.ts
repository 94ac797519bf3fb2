/** The table of the configuration's keys: what each allows, its default and what it does. */

import { MAX_SHARDS } from "../sharded/constants";
import { isAddressOrBlock } from "./address-block";
import type { BooleanSetting, IntegerSetting, Setting, Value } from "./setting";

/** Of a kind, with its default, and without the kind itself. */
type Options<Of extends Setting> = Omit<Of, "kind" | "default"> & Required<Pick<Of, "default">>;

const KIB = 1024;
const MIB = 1024 * KIB;
/** The most that Bun takes for a limit of a WebSocket's bytes. */
const MAX_SOCKET_BYTES = 2 ** 32 - 1;
/** A day. Longer waits are mistakes. */
const MAX_WAIT_MS = 86_400_000;

const boolean = (options: Options<BooleanSetting>) => ({ kind: "boolean" as const, ...options });
const integer = (options: Options<IntegerSetting>) => ({ kind: "integer" as const, ...options });

/** Every key but the functions. */
export const CONFIG_KEYS = {
  useSharding: boolean({
    flag: "sharding",
    default: true,
    doc: "Send from native threads. If off, Bun's own publish sends.",
  }),
  numShards: integer({
    default: 4,
    min: 1,
    max: MAX_SHARDS,
    unit: "shards",
    doc: "Number of shards. A hash of a client's id (FNV-1a unless `placementKey` is set) selects its shard.",
  }),
  workersPerShard: integer({
    default: 4,
    min: 1,
    max: 64,
    unit: "workers",
    doc: "Worker threads for each shard.",
  }),
  placementKey: {
    kind: "string",
    placeholder: "HEX",
    default: "",
    secret: true,
    format: { name: "32 hexadecimal digits", allows: (text) => /^([\da-f]{32})?$/i.test(text) },
    doc:
      "A secret. It makes the hash SipHash-2-4, so that clients that choose their ids cannot choose " +
      "their worker.",
  },
  workerNiceness: integer({
    default: 10,
    min: 0,
    max: 19,
    unit: "levels",
    doc: "Nice level of worker threads, so that busy cores answer HTTP first (Linux).",
  }),
  maxClients: integer({
    default: 1000,
    min: 1,
    max: 10_000_000,
    unit: "clients",
    doc: "Most clients of each shard. One more gets 503.",
  }),
  bufferSize: integer({
    default: 100,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "How many messages a client may fall behind before it is too slow.",
  }),
  bufferBytes: integer({
    default: 16 * MIB,
    min: KIB,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "How many bytes a client may fall behind before it is too slow.",
  }),
  dropSlowClients: boolean({
    default: true,
    doc: "Disconnect slow clients with code 1013. If off, they skip messages.",
  }),
  maxPayloadLength: integer({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "Largest message from a client. A larger one closes the client with 1009.",
  }),
  maxIncompleteBytes: integer({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc:
      "Most bytes of incomplete messages in a worker. Beyond it, the client with the most bytes is " +
      "closed with 1013. One message of `maxPayloadLength` is always allowed.",
  }),
  messageTimeoutMs: integer({
    // Enough for 16 MiB at half a megabit a second.
    default: 300_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a message to become complete. Then its client is closed with 1008. 0 is no limit.",
  }),
  maxJsonLength: integer({
    // JavaScriptCore takes 20 ns for each bracket of "[[[…", which is the worst.
    default: 32 * KIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "characters",
    doc: "Longest message that is parsed as JSON for a route. The route gets a longer one as text.",
  }),
  backpressureLimit: integer({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "How many bytes of messages to one client may wait when it gets another. 0 is no limit.",
  }),
  closeOnBackpressureLimit: boolean({
    default: false,
    doc: "Disconnect a client beyond `backpressureLimit`. If off, drop the message.",
  }),
  publishToSelf: boolean({
    default: false,
    doc: "A subscribed socket also receives what it publishes itself.",
  }),
  idleTimeout: integer({
    default: 120,
    min: 0,
    max: 960,
    unit: "seconds",
    doc: "Silence after which a client is disconnected. 0 is never.",
  }),
  sendPings: boolean({
    default: true,
    doc: "Ping a client after half of `idleTimeout`.",
  }),
  perMessageDeflate: boolean({
    default: false,
    doc: "Compress each message once, for the clients that ask for it (permessage-deflate).",
  }),
  compressionThreshold: integer({
    default: 256,
    min: 0,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "Shorter messages are not compressed.",
  }),
  queueMessages: integer({
    default: 16_384,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "Most published messages in one worker's queue. The worker drops further ones.",
  }),
  queueBytes: integer({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc: "Most bytes of published messages in one worker's queue.",
  }),
  saturationPercent: integer({
    default: 50,
    min: 1,
    max: 100,
    unit: "percent",
    doc: "Fill level at which a worker is saturated, and sources that can wait do so.",
  }),
  maxChannelsPerClient: integer({
    // To subscribe to so many in a row takes the JavaScript thread half a millisecond.
    default: 512,
    min: 1,
    max: 65_536,
    unit: "channels",
    doc: "Most channels of one client.",
  }),
  headTimeoutMs: integer({
    default: 10_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for the head of a request to arrive.",
  }),
  maxHeadBytes: integer({
    // Holds a request for 128 channels of 200 characters.
    default: 32 * KIB,
    min: 256,
    max: 16 * MIB,
    unit: "bytes",
    doc:
      "Largest head of a request. A larger one gets 431. If `--max-http-header-size` or " +
      "`http.maxHeaderSize` is set, that is the default.",
  }),
  maxHttpRequests: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "requests",
    doc: "Most plain requests in progress. One more gets 503.",
  }),
  trustedProxies: {
    kind: "list",
    flag: "trusted-proxy",
    placeholder: "ADDRESS",
    default: [],
    items: {
      name: "IP addresses and blocks of them, such as 10.0.0.0/8",
      allows: isAddressOrBlock,
    },
    doc: "Proxies whose X-Forwarded-For gives the client's address. Others are ignored.",
  },
  upgradeTimeoutMs: integer({
    default: 30_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for the app to decide on an upgrade. Then the client gets 503.",
  }),
  maxPendingUpgrades: integer({
    default: 16_384,
    min: 1,
    max: 1_000_000,
    unit: "upgrades",
    doc: "Most upgrades that wait for the app's decision. One more gets 503.",
  }),
  drainTimeoutMs: integer({
    default: 10_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time limit for a shutdown. Then undelivered messages are dropped.",
  }),
  drainSpreadMs: integer({
    default: 1_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "A shutdown spreads the closes of the clients over this time.",
  }),
} satisfies Record<string, Setting & { default: Value }>;
