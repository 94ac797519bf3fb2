/** What the ready-made server offers, for programs: OpenAPI for its HTTP, AsyncAPI for its sockets. */

import { openapi } from "@elysiajs/openapi";
import { Elysia } from "elysia";

import { version } from "../package.json";

const INFO = {
  title: "shardcast",
  version,
  description: "A WebSocket broadcast server. Publish over HTTP, listen over a WebSocket.",
};

/** The routes `/openapi` and `/asyncapi`. */
export function apiDescription() {
  return new Elysia()
    .use(
      openapi({
        // The document alone: a viewer would be loaded from elsewhere.
        provider: null,
        specPath: "/openapi",
        exclude: { paths: ["/asyncapi"] },
        documentation: {
          info: INFO,
          components: {
            securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
          },
        },
      }),
    )
    .get("/asyncapi", () => ASYNCAPI);
}

/** The body of a publish, which no schema reads: it is taken verbatim. */
export const PUBLISH_DETAIL = {
  summary: "Publish a message",
  description: "The body is the message, verbatim: bytes as they are, anything else as text.",
  security: [{ apiKey: [] }],
  requestBody: {
    required: true,
    content: {
      "text/plain": { schema: { type: "string" as const } },
      "application/octet-stream": { schema: { type: "string" as const, format: "binary" } },
    },
  },
  responses: {
    200: {
      description:
        'The number of shards that took it: `{ "shards": 4 }`. Where full queues did not, `dropped` is ' +
        "the number of their workers.",
    },
    400: { description: "The channel's name or the text is not allowed." },
    401: { description: "The API key is missing or wrong." },
    403: { description: "It comes from a web page of another origin, and there is no API key." },
    413: { description: "The message is longer than `maxPayloadLength`." },
  },
};

const ASYNCAPI = {
  asyncapi: "3.0.0",
  info: INFO,
  defaultContentType: "text/plain",
  channels: {
    stream: {
      address: "/stream",
      title: "Every message of the channels that are asked for, in the order of their publish",
      messages: {
        message: {
          summary: "A message as it was published: text in a text frame, bytes in a binary one",
          payload: { type: "string" },
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
    },
    live: {
      address: "/live",
      title: "How the server does, once a second",
      description:
        "Wants the API key, if there is one: as `Authorization: Bearer`, or as the subprotocol " +
        "`shardcast.key.<base64url of the key>` beside `shardcast.live`.",
      messages: { snapshot: { contentType: "application/json", payload: { type: "object" } } },
      bindings: { ws: { method: "GET" } },
    },
  },
  operations: {
    listen: {
      action: "send",
      channel: { $ref: "#/channels/stream" },
      summary: "The server sends what is published.",
    },
    watch: { action: "send", channel: { $ref: "#/channels/live" } },
  },
  "x-close-codes": {
    1001: "The server shuts down. Come back after a random wait.",
    1009: "The client's message was longer than `maxPayloadLength`.",
    1013: "The client was too slow. Come back after a random wait.",
  },
};
