import { cors } from "@elysiajs/cors";
import { Elysia } from "elysia";
import {
  createBroadcaster,
  createLogger,
  describeConfig,
  PrometheusCollector,
  type ResolvedConfig,
  type Source,
  shardcast,
} from "../index";
import { Access, type AccessOptions } from "./api/access";
import { apiDescription } from "./api/api-description";
import { channelsIn } from "./api/channel-names";
import { errorResponses, httpError } from "./api/http-errors";
import { health, insight } from "./api/operator-routes";
import { publishing } from "./api/publish-route";
import { live } from "./live/live-route";
import { page } from "./page";

/** Largest message over a WebSocket. No route here has a handler for any. */
const MAX_INBOUND_BYTES = 4096;

/** Characters of a client's id. */
const MAX_ID_LENGTH = 200;

/** What the ready-made app is made of. */
export interface AppOptions extends AccessOptions {
  config: ResolvedConfig;
  /** What is published while it serves. The page listens to the channel of the first. */
  sources?: readonly Source[];
}

/** How long a browser may remember that a page of another origin is allowed. */
const PREFLIGHT_SECONDS = 600;

/**
 * The ready-made app: a stream, a way to publish, and routes for operators. It stands on the
 * library's public interface alone, and is an example of it.
 */
export function createApp({ config, sources = [], ...options }: AppOptions) {
  const collector = new PrometheusCollector();
  // That of the config holds for what is published.
  const maxPayloadLength = Math.min(config.maxPayloadLength, MAX_INBOUND_BYTES);
  const broadcaster = createBroadcaster(
    { ...config, clientId, maxPayloadLength },
    sources,
    collector,
  );
  const access = new Access(options);
  const channels = [...new Set(sources.map(({ channel }) => channel))];
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
    // The API key is not a cookie.
    credentials: false,
    maxAge: PREFLIGHT_SECONDS,
  });
}

/** The id that a client gives itself, or a random one. Only the beginning of a long one counts. */
function clientId(request: Request): string {
  const id = new URL(request.url).searchParams.get("id") || crypto.randomUUID();
  // A copy: a slice would keep the whole URL in memory.
  return Buffer.from(id.slice(0, MAX_ID_LENGTH)).toString();
}
