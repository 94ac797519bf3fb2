/** What the ready-made server offers over HTTP, for programs, as OpenAPI. */

import { openapi } from "@elysiajs/openapi";
import { type DocumentDecoration, Elysia } from "elysia";

import { version } from "../../../package.json";

import { codesOf } from "./http-errors";
import { NAME, object } from "./json-schema";
import { PUBLISH_RESULT } from "./response-schemas";

type Detail = NonNullable<DocumentDecoration>;

/** The route `/openapi`. */
export function apiDescription() {
  return new Elysia().use(
    openapi({
      // The document alone: a viewer would be loaded from elsewhere.
      provider: null,
      specPath: "/openapi",
      documentation: {
        info: {
          title: "shardcast",
          version,
          description: "A WebSocket broadcast server. Publish over HTTP, listen over a WebSocket.",
        },
        components: {
          securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
        },
      },
    }),
  );
}

/** An answer in JSON. */
export function answer(description: string, schema: object) {
  return { description, content: { "application/json": { schema } } };
}

/** An answer with an error of this status. */
export function rejection(status: number, description: string) {
  const code = { type: "string" as const, enum: codesOf(status) };
  const error = object<{ code: string; message: string }>({ code, message: NAME });
  return { [status]: answer(description, object<{ error: object }>({ error })) };
}

/** The errors that any route can answer with. */
export const ANY_REJECTION = {
  ...rejection(421, "The server has no API key, and does not answer for this host."),
  ...rejection(500, "The server has failed."),
};

/** The errors of a route that requires the key, or the same origin. */
export const GUARDED_REJECTION = {
  ...rejection(401, "The API key is missing or wrong."),
  ...rejection(403, "A web page of another origin asks, and the server has no API key."),
  ...ANY_REJECTION,
};

/** The body of a publish has no schema: it is published verbatim. */
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
    200: answer("How it was taken; without a subscriber, by no shard.", PUBLISH_RESULT),
    ...rejection(400, "The channel's name or the text is not allowed."),
    ...rejection(413, "The message is longer than `maxPayloadLength`."),
    ...GUARDED_REJECTION,
  },
} satisfies Detail;
