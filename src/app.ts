import { Elysia, status } from "elysia";

import { apiDescription, PUBLISH_DETAIL } from "./api-description";
import { bearerCheck } from "./auth";
import { checkChannelName, parseChannels } from "./channels";
import { describe } from "./describe";
import { FOREIGN_PAGE, isFromForeignPage } from "./foreign-page";
import {
  type Broadcaster,
  createBroadcaster,
  PrometheusCollector,
  type ResolvedConfig,
  shardcast,
} from "./index";
import { live } from "./live";
import { health, insight } from "./operations";
import { page } from "./page";
import { shortId } from "./short-id";

/** Largest message over a WebSocket. No route here has a handler for any. */
const MAX_INBOUND_BYTES = 4096;

/** What the ready-made app is made of. */
export interface AppOptions {
  config: ResolvedConfig;
  apiKey?: string | undefined;
  /** Channels that have a source: the page listens to the first. */
  channels: string[];
}

// A byte order mark is part of a message, which is published verbatim.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The ready-made app: a stream, a way to publish, and what watchers want. It stands on the
 * library's public interface alone, and is an example of it.
 */
export function createApp({ config, apiKey, channels }: AppOptions) {
  const collector = new PrometheusCollector();
  // That of the config holds for what is published.
  const maxPayloadLength = Math.min(config.maxPayloadLength, MAX_INBOUND_BYTES);
  const broadcaster = createBroadcaster({ ...config, clientId, maxPayloadLength }, {}, collector);
  const mayUse = bearerCheck(apiKey);
  // A page that has the key may come from anywhere. Without a key, anyone's page could do anything.
  const isForeign = apiKey === undefined ? isFromForeignPage : () => false;
  const watching = { about: describe(config), sources: channels };

  const app = new Elysia({
    adapter: shardcast(broadcaster),
    serve: { maxRequestBodySize: config.maxPayloadLength },
  })
    .use(apiDescription())
    .use(page())
    .use(health(broadcaster))
    .use(live({ broadcaster, config, mayUse, isForeign, ...watching }))
    .ws("/stream", {
      detail: { hide: true },
      beforeHandle({ query, status }) {
        const channels = parseChannels(query.channels ?? "", config.maxChannelsPerClient);
        return "error" in channels ? status(400, channels) : undefined;
      },
      open(ws) {
        const channels = parseChannels(ws.data.query.channels ?? "", config.maxChannelsPerClient);
        if ("error" in channels) return;
        for (const channel of channels) ws.subscribe(channel);
      },
    })
    .guard({
      beforeHandle({ headers, status, set }) {
        if (isForeign(headers)) return status(403, FOREIGN_PAGE);
        if (mayUse(headers.authorization)) return undefined;
        set.headers["www-authenticate"] = "Bearer";
        return status(401, { error: "this needs the API key: Authorization: Bearer <key>" });
      },
    })
    .use(insight(broadcaster, collector))
    .post(
      "/publish/:channel",
      ({ request, params }) => publish(broadcaster, request, params.channel, config),
      { parse: "none", detail: PUBLISH_DETAIL },
    )
    // A name may have slashes.
    .post(
      "/publish/*",
      ({ request, params }) => publish(broadcaster, request, params["*"], config),
      {
        parse: "none",
        detail: { hide: true },
      },
    );
  return { app, broadcaster };
}

/** The id that a client gives itself, or a random one. Of a long one the beginning places it. */
function clientId(request: Request): string {
  return shortId(new URL(request.url).searchParams.get("id") || crypto.randomUUID());
}

/** Publishes the body of a request, verbatim. */
async function publish(
  broadcaster: Broadcaster,
  request: Request,
  rawChannel: string,
  { maxPayloadLength }: ResolvedConfig,
) {
  const channel = decoded(rawChannel);
  const wrong = checkChannelName(channel);
  if (wrong) return status(400, { error: wrong });
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > maxPayloadLength) {
    return status(413, { error: `a message has at most ${maxPayloadLength} bytes` });
  }
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/octet-stream") {
    return broadcaster.publish(channel, bytes);
  }
  const text = toText(bytes);
  if (text === undefined) {
    return status(400, { error: "text must be UTF-8; bytes go as application/octet-stream" });
  }
  return broadcaster.publish(channel, text);
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
