/** `/publish/:channel`: messages that come over HTTP. */

import { Elysia } from "elysia";
import type { Broadcaster, ResolvedConfig } from "../../index";
import { PUBLISH_DETAIL } from "./api-description";
import { checkChannelName } from "./channel-names";
import { httpError } from "./http-errors";

// A byte order mark is part of a message, which is published verbatim.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The routes. An error in the head of a request is answered before its body is read. */
export function publishing(broadcaster: Broadcaster, config: ResolvedConfig) {
  const publish = (request: Request, channel: string) =>
    publishBody(broadcaster, request, channel, config);
  return (
    new Elysia()
      .post("/publish/:channel", ({ request, params }) => publish(request, params.channel), {
        parse: "none",
        detail: PUBLISH_DETAIL,
      })
      // A name may have slashes.
      .post("/publish/*", ({ request, params }) => publish(request, params["*"]), {
        parse: "none",
        detail: { hide: true },
      })
  );
}

/** Publishes the body of a request, verbatim. */
async function publishBody(
  broadcaster: Broadcaster,
  request: Request,
  encodedChannel: string,
  { maxPayloadLength }: ResolvedConfig,
) {
  const channel = decoded(encodedChannel);
  const wrong = checkChannelName(channel);
  if (wrong) return httpError("INVALID_CHANNEL", wrong);
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > maxPayloadLength) {
    return httpError("MESSAGE_TOO_LONG", `a message has at most ${maxPayloadLength} bytes`);
  }
  const message = isBinary(request) ? bytes : toText(bytes);
  if (message === undefined) {
    const advice = "text must be UTF-8; bytes go as application/octet-stream";
    return httpError("INVALID_TEXT", advice);
  }
  return broadcaster.publish(channel, message);
}

function isBinary(request: Request): boolean {
  const [type = ""] = (request.headers.get("content-type") ?? "").split(";");
  return type.trim().toLowerCase() === "application/octet-stream";
}

/** The text; nothing when it is not UTF-8. */
function toText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The path without its percent-encoding; as it is when that is broken, which no name allows. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
