/** What the ready-made server offers over WebSockets, for programs, as AsyncAPI. */

import { DEPARTURE_REASONS } from "../../index";
import type {
  ChannelSnapshot,
  DepartureSnapshot,
  DroppedSnapshot,
  LiveMessage,
  ProblemSnapshot,
  ShardSnapshot,
  SlowClientSnapshot,
  VerdictSnapshot,
  WorkerSnapshot,
} from "../live/snapshot";
import { API_INFO } from "./api-info";
import { COUNT, FLAG, list, NAME, object } from "./json-schema";

const RATE = {
  type: ["number", "null"],
  minimum: 0,
  description: "A second, since the last snapshot; null before that was long enough to tell.",
};
const PART = { type: "number", minimum: 0, maximum: 1 };
const TIME_MS = {
  type: ["number", "null"],
  description: "From a publish until a worker has written it; null while nothing is published.",
};

const WORKER = object<WorkerSnapshot>({
  clients: COUNT,
  busy: { ...PART, type: ["number", "null"], description: "Part of the time." },
  queue: { ...COUNT, description: "Messages in its queue." },
  fill: { ...PART, description: "How full its queue is." },
  saturated: FLAG,
  stuck: { ...FLAG, description: "Messages wait, and it finishes no turn." },
});

const DROPPED = object<DroppedSnapshot>({
  slow: COUNT,
  skipped: COUNT,
  closed: COUNT,
  queueFull: COUNT,
});

const DEPARTURE = object<Required<DepartureSnapshot>>(
  {
    ...{ id: NAME, address: NAME, shard: COUNT, worker: COUNT },
    reason: { enum: DEPARTURE_REASONS },
    code: { ...COUNT, description: "Close code." },
    detail: { ...NAME, description: "Close reason." },
    ...{ lagMessages: COUNT, lagBytes: COUNT },
    at: { ...COUNT, description: "Milliseconds since 1970." },
  },
  ["lagMessages", "lagBytes"],
);

const VERDICT = object<VerdictSnapshot>({
  seconds: { type: "number", minimum: 0, description: "Time over which the rules look back." },
  problems: list(
    object<ProblemSnapshot>({
      name: { ...NAME, description: "Of the alert rule that holds." },
      severity: { enum: ["page", "ticket"] },
      summary: NAME,
      figure: { ...NAME, description: "The rule's figure, for people." },
    }),
  ),
});

/** What `/live` says once a second. */
const SNAPSHOT = object<LiveMessage>({
  about: { ...NAME, description: "The server's configuration, in a line." },
  sources: { type: "array", items: NAME, description: "Channels with a source." },
  at: { ...COUNT, description: "Milliseconds since 1970." },
  sharded: { ...FLAG, description: "Without sharding little is known: the rest is null or empty." },
  clients: COUNT,
  messagesPerSecond: RATE,
  deliveriesPerSecond: RATE,
  bytesPerSecond: RATE,
  p50Ms: TIME_MS,
  p99Ms: TIME_MS,
  dropped: {
    ...DROPPED,
    type: ["object", "null"],
    description: "Deliveries dropped since the start, by reason.",
  },
  droppedPerSecond: RATE,
  verdict: {
    ...VERDICT,
    type: ["object", "null"],
    description: "What the alert rules say; null without sharding.",
  },
  shards: list(object<ShardSnapshot>({ clients: COUNT, limit: COUNT, workers: list(WORKER) })),
  workersLeftOut: { ...COUNT, description: "Workers that are not shown: there are too many." },
  workersStuck: COUNT,
  channels: list(object<ChannelSnapshot>({ channel: NAME, subscribers: COUNT, perSecond: RATE })),
  channelsTotal: { ...COUNT, description: "Channels that have subscribers." },
  subscriptionsTotal: COUNT,
  departures: {
    ...list(DEPARTURE),
    description: "The last clients that the server has disconnected by itself, newest first.",
  },
  departuresTotal: { ...COUNT, description: "Since the start." },
  slow: {
    ...list(
      object<Required<SlowClientSnapshot>>(
        { id: NAME, shard: COUNT, worker: COUNT, lagMessages: COUNT, lagBytes: COUNT },
        ["lagMessages"],
      ),
    ),
    description: "The clients that lag most.",
  },
  slowAt: { type: ["integer", "null"], description: "When `slow` was true." },
});

const STREAM = {
  address: "/stream",
  title: "Every message of the channels that are asked for, in the order of their publish",
  description:
    "Refused with 400 where a channel's name is not allowed, and with 503 and `Retry-After` where " +
    "there is no room. What a client sends is not read.",
  messages: {
    text: {
      summary: "A message that was published as text, in a text frame",
      contentType: "text/plain",
      payload: { type: "string" },
    },
    bytes: {
      summary: "A message that was published as bytes, in a binary frame",
      contentType: "application/octet-stream",
      payload: { type: "string", format: "binary" },
    },
  },
  bindings: {
    ws: {
      method: "GET",
      query: {
        type: "object",
        required: ["channels"],
        properties: {
          channels: {
            type: "string",
            description: "Names, parted by commas; or `channels` once for each",
            examples: ["a,b"],
          },
          id: {
            type: "string",
            description: "The client's id, whose first 200 characters choose its shard",
          },
        },
      },
    },
  },
};

const LIVE = {
  address: "/live",
  title: "How the server does, once a second",
  description:
    "Without an API key it refuses web pages of origins that are not allowed, with 403. With one it wants that, or " +
    "refuses with 401: as `Authorization: Bearer`, or as the " +
    "subprotocol `shardcast.key.<base64url of the key>` beside `shardcast.live`.",
  messages: { snapshot: { contentType: "application/json", payload: SNAPSHOT } },
  bindings: { ws: { method: "GET" } },
};

/** The document. */
export const ASYNC_API = {
  asyncapi: "3.0.0",
  info: API_INFO,
  defaultContentType: "text/plain",
  channels: { stream: STREAM, live: LIVE },
  operations: {
    listen: {
      action: "send",
      channel: { $ref: "#/channels/stream" },
      summary: "The server sends what is published.",
    },
    watch: {
      action: "send",
      channel: { $ref: "#/channels/live" },
      summary: "The server sends a snapshot a second.",
    },
  },
  "x-close-codes": {
    1001: "The server shuts down. Come back after a random wait.",
    1002: "The client has broken the protocol.",
    1007: "The client has sent text that is not UTF-8, or data that does not inflate.",
    1009: "The client's message was longer than 4 KiB.",
    1013: "The client was too slow. Come back after a random wait.",
  },
};
