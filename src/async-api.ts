/** What the ready-made server offers over WebSockets, for programs, as AsyncAPI. */

import { API_INFO } from "./api-info";

const COUNT = { type: "integer", minimum: 0 };
const RATE = { type: "number", minimum: 0, description: "A second, since the last snapshot." };
const TIME_MS = {
  type: ["number", "null"],
  description: "From a publish until a worker has written it; null while nothing is published.",
};

/** Of what `/live` says once a second (`snapshots.ts`). */
const SNAPSHOT = object({
  about: { type: "string", description: "The server's configuration, in a line." },
  sources: { type: "array", items: { type: "string" }, description: "Channels with a source." },
  at: { type: "integer", description: "Milliseconds since 1970." },
  clients: COUNT,
  messagesPerSecond: RATE,
  deliveriesPerSecond: RATE,
  bytesPerSecond: RATE,
  p50Ms: TIME_MS,
  p99Ms: TIME_MS,
  dropped: {
    ...object({ slow: COUNT, skipped: COUNT, closed: COUNT, queueFull: COUNT }),
    description: "Deliveries dropped since the start, by reason.",
  },
  shards: list({
    clients: COUNT,
    limit: { ...COUNT, description: "Clients that it may have; 0 is any number." },
    workers: list({
      clients: COUNT,
      busy: { type: "number", minimum: 0, maximum: 1, description: "Part of the time." },
      queue: { ...COUNT, description: "Messages in its queue." },
      saturated: { type: "boolean" },
    }),
  }),
  channels: list({ channel: { type: "string" }, subscribers: COUNT, perSecond: RATE }),
  slow: {
    ...list({ id: { type: "string" }, shard: COUNT, worker: COUNT, lagBytes: COUNT }),
    description: "The clients that lag most; with sharding, `lagMessages` as well.",
  },
});

function object(properties: Record<string, object>) {
  return { type: "object", required: Object.keys(properties), properties };
}

function list(properties: Record<string, object>) {
  return { type: "array", items: object(properties) };
}

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
            description: "Names, parted by commas",
            examples: ["a,b"],
          },
          id: { type: "string", description: "The client's id, by which its shard is chosen" },
        },
      },
    },
  },
};

const LIVE = {
  address: "/live",
  title: "How the server does, once a second",
  description:
    "Wants the API key, if there is one, or refuses with 401: as `Authorization: Bearer`, or as the " +
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
    1009: "The client's message was longer than `maxPayloadLength`.",
    1013: "The client was too slow. Come back after a random wait.",
  },
};
