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
    doc: "Fan out on native threads. Off: Bun's own publish.",
  }),
  numShards: integer({
    default: 4,
    min: 1,
    max: MAX_SHARDS,
    unit: "shards",
    doc: "Shards over which clients are spread by a hash of their id, FNV-1a unless `placementKey` is set.",
  }),
  workersPerShard: integer({
    default: 4,
    min: 1,
    max: 64,
    unit: "workers",
    doc: "Worker threads of each shard.",
  }),
  placementKey: {
    kind: "string",
    placeholder: "HEX",
    default: "",
    secret: true,
    format: { name: "32 hexadecimal digits", allows: (text) => /^([\da-f]{32})?$/i.test(text) },
    doc:
      "A secret with which clients are spread by SipHash-2-4 of their id, so that those who choose " +
      "their ids cannot choose their worker.",
  },
  workerNiceness: integer({
    default: 10,
    min: 0,
    max: 19,
    unit: "levels",
    doc: "How much nicer worker threads are, so that HTTP is answered first on busy cores (Linux).",
  }),
  maxClients: integer({
    default: 1000,
    min: 1,
    max: 10_000_000,
    unit: "clients",
    doc: "Clients of each shard. One more is refused with 503.",
  }),
  bufferSize: integer({
    default: 100,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "How far a client may fall behind before it is slow.",
  }),
  bufferBytes: integer({
    default: 16 * MIB,
    min: KIB,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "How far a client may fall behind before it is slow, in bytes.",
  }),
  dropSlowClients: boolean({
    default: true,
    doc: "Disconnect slow clients with code 1013. Off: they skip what they missed.",
  }),
  maxPayloadLength: integer({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "Largest message from a client. A larger one closes it with 1009.",
  }),
  maxIncompleteBytes: integer({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc:
      "What a worker keeps of messages that are not complete. Past it, the client with the most is " +
      "closed with 1013. One message of `maxPayloadLength` always has room.",
  }),
  messageTimeoutMs: integer({
    // Enough for 16 MiB at half a megabit a second.
    default: 300_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a message to be complete. Then its client is closed with 1008. 0 is any time.",
  }),
  maxJsonLength: integer({
    // JavaScriptCore takes 20 ns for each bracket of "[[[…", which is the worst.
    default: 32 * KIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "characters",
    doc: "Longest message that a route gets parsed, as JSON. A longer one it gets as text.",
  }),
  backpressureLimit: integer({
    default: 16 * MIB,
    min: 0,
    max: MAX_SOCKET_BYTES,
    unit: "bytes",
    doc: "Direct messages that may wait for one client before another. 0 is no limit.",
  }),
  closeOnBackpressureLimit: boolean({
    default: false,
    doc: "Drop a client for which more than backpressureLimit waits. Off: its message is dropped.",
  }),
  publishToSelf: boolean({
    default: false,
    doc: "What a socket publishes it hears itself too, if it is subscribed.",
  }),
  idleTimeout: integer({
    default: 120,
    min: 0,
    max: 960,
    unit: "seconds",
    doc: "Silence after which a client is given up. 0 is never.",
  }),
  sendPings: boolean({
    default: true,
    doc: "Ping a client after half of that silence.",
  }),
  perMessageDeflate: boolean({
    default: false,
    doc: "Compress messages, each once, for clients that ask for it (permessage-deflate).",
  }),
  compressionThreshold: integer({
    default: 256,
    min: 0,
    max: 1024 * MIB,
    unit: "bytes",
    doc: "Messages that are shorter are not compressed.",
  }),
  queueMessages: integer({
    default: 16_384,
    min: 1,
    max: 10_000_000,
    unit: "messages",
    doc: "Published messages that may wait in one worker's queue. More are dropped for it.",
  }),
  queueBytes: integer({
    default: 64 * MIB,
    min: KIB,
    max: 4096 * MIB,
    unit: "bytes",
    doc: "The same in bytes.",
  }),
  saturationPercent: integer({
    default: 50,
    min: 1,
    max: 100,
    unit: "percent",
    doc: "Part of a worker's queue past which it is saturated, and sources that can wait do.",
  }),
  maxChannelsPerClient: integer({
    // To subscribe to so many in a row takes the JavaScript thread half a millisecond.
    default: 512,
    min: 1,
    max: 65_536,
    unit: "channels",
    doc: "Channels that one client may be subscribed to.",
  }),
  headTimeoutMs: integer({
    default: 10_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a request's head to arrive.",
  }),
  maxHeadBytes: integer({
    // Holds a request for 128 channels of 200 characters.
    default: 32 * KIB,
    min: 256,
    max: 16 * MIB,
    unit: "bytes",
    doc:
      "Size of a request's head. A larger one is refused with 431. Where " +
      "`--max-http-header-size` or `http.maxHeaderSize` is set, that is the default.",
  }),
  maxHttpRequests: integer({
    default: 10_000,
    min: 1,
    max: 1_000_000,
    unit: "requests",
    doc: "Plain requests that the app may be at, at once. One more is refused with 503.",
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
    doc: "Proxies whose X-Forwarded-For tells the client's address. Nobody else's is believed.",
  },
  upgradeTimeoutMs: integer({
    default: 30_000,
    min: 1,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for the app to decide on an upgrade. Then it is refused with 503.",
  }),
  maxPendingUpgrades: integer({
    default: 16_384,
    min: 1,
    max: 1_000_000,
    unit: "upgrades",
    doc: "Upgrades that may wait for the app's decision. One more is refused with 503.",
  }),
  drainTimeoutMs: integer({
    default: 10_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "Time for a shutdown. Then everything ends, delivered or not.",
  }),
  drainSpreadMs: integer({
    default: 1_000,
    min: 0,
    max: MAX_WAIT_MS,
    unit: "ms",
    doc: "A shutdown closes the clients evenly over this time.",
  }),
} satisfies Record<string, Setting & { default: Value }>;
