import { cors } from "@elysiajs/cors";
import { Elysia } from "elysia";
import {
  createBroadcaster,
  createLogger,
  describeConfig,
  PrometheusCollector,
  type ResolvedConfig,
  shardcast,
} from "../index";
import { truncateId } from "../sharded/truncate-id";
import { Access, type AccessOptions } from "./api/access";
import { apiDescription } from "./api/api-description";
import { channelsIn } from "./api/channels";
import { errorResponses, httpError } from "./api/http-errors";
import { health, insight } from "./api/operations";
import { publishing } from "./api/publish-route";
import { live } from "./live/live";
import { page } from "./page";

/** Largest message over a WebSocket. No route here has a handler for any. */
const MAX_INBOUND_BYTES = 4096;

/** What the ready-made app is made of. */
export interface AppOptions extends AccessOptions {
  config: ResolvedConfig;
  /** Channels that have a source: the page listens to the first. */
  channels: string[];
}

/** How long a browser may remember that a page of another origin is allowed. */
const PREFLIGHT_SECONDS = 600;

/**
 * The ready-made app: a stream, a way to publish, and what watchers want. It stands on the
 * library's public interface alone, and is an example of it.
 */
export function createApp({ config, channels, ...options }: AppOptions) {
  const collector = new PrometheusCollector();
  // That of the config holds for what is published.
  const maxPayloadLength = Math.min(config.maxPayloadLength, MAX_INBOUND_BYTES);
  const broadcaster = createBroadcaster({ ...config, clientId, maxPayloadLength }, {}, collector);
  const access = new Access(options);
  const watching = { about: describeConfig(config), sources: channels };

  const app = new Elysia({
    adapter: shardcast(broadcaster),
    serve: { maxRequestBodySize: config.maxPayloadLength },
  });
  app
    .use(errorResponses(() => app, config.logger ?? createLogger()))
    // Before all else and for whatever path, an upgrade to a WebSocket too.
    .onRequest(({ request }) => access.hostError(request.headers.get("host")))
    .use(crossOrigin(access, options))
    .use(apiDescription())
    .use(page())
    .use(health(broadcaster))
    .use(live({ broadcaster, config, access, ...watching }))
    .ws("/stream", {
      detail: { hide: true },
      beforeHandle({ request }) {
        const channels = channelsIn(request.url, config.maxChannelsPerClient);
        return "error" in channels ? httpError("INVALID_CHANNEL", channels.error) : undefined;
      },
      open(ws) {
        const channels = channelsIn(ws.data.request.url, config.maxChannelsPerClient);
        if ("error" in channels) return;
        for (const channel of channels) ws.subscribe(channel);
      },
    })
    .guard({ beforeHandle: ({ headers }) => access.error(headers) })
    .use(insight(broadcaster, collector))
    .use(publishing(broadcaster, config));
  return { app, broadcaster };
}

/** Lets browsers show the answers to pages of the allowed origins. */
function crossOrigin(access: Access, { allowedOrigins = [] }: AccessOptions) {
  if (allowedOrigins.length === 0) return new Elysia();
  return cors({
    origin: ({ headers }) => access.allowsOrigin(headers.get("origin")),
    methods: ["GET", "POST"],
    allowedHeaders: ["authorization", "content-type"],
    exposeHeaders: ["retry-after"],
    // The API key is no cookie.
    credentials: false,
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** The id that a client gives itself, or a random one. Of a long one the beginning places it. */
function clientId(request: Request): string {
  return truncateId(new URL(request.url).searchParams.get("id") || crypto.randomUUID());
}
