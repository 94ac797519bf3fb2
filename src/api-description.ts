/** What the ready-made server offers over HTTP, for programs, and where it is told. */

import { openapi } from "@elysiajs/openapi";
import { Elysia } from "elysia";

import { API_INFO } from "./api-info";
import { ASYNC_API } from "./async-api";

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
          info: API_INFO,
          components: {
            securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
          },
        },
      }),
    )
    .get("/asyncapi", () => ASYNC_API);
}

/** An answer that says in JSON what is wrong. */
export function refusal(description: string) {
  const schema = {
    type: "object" as const,
    required: ["error"],
    properties: { error: { type: "string" as const } },
  };
  return { description, content: { "application/json": { schema } } };
}

/** The answer of all that is not for everyone. */
export const NO_KEY = refusal("The API key is missing or wrong.");

/** The answer to web pages of others, where there is no key to tell them apart. */
export const FOREIGN = refusal("It comes from a web page of another origin, and there is no key.");

function count(description: string) {
  return { type: "integer" as const, minimum: 0, description };
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
      description: "How it was taken; by nobody where the channel has no subscriber.",
      content: {
        "application/json": {
          schema: {
            type: "object" as const,
            required: ["shards", "dropped", "saturated"],
            properties: {
              shards: count("Shards of which every worker with a subscriber took it."),
              dropped: count("Workers that dropped it because their queue was full."),
              saturated: count("Workers that have it late: their queue is past its soft mark."),
            },
          },
        },
      },
    },
    400: refusal("The channel's name or the text is not allowed."),
    401: NO_KEY,
    403: FOREIGN,
    413: { description: "The message is longer than `maxPayloadLength`." },
  },
};
