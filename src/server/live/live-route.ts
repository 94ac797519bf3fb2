/** `/live`: a snapshot of the server once a second, for its own page. */

import { Elysia } from "elysia";
import {
  type Broadcaster,
  createLogger,
  KEY_SUBPROTOCOL_PREFIX,
  type ResolvedConfig,
} from "../../index";
import type { Access } from "../api/access";
import type { LiveMessage } from "./snapshot";
import { Snapshots } from "./snapshots";
import { type Repeat, repeat, Ticking } from "./ticking";

/** Clients cannot name it, neither to subscribe nor to publish: see `channel-names.ts`. */
export const LIVE_CHANNEL = "$live";
const INTERVAL_MS = 1000;

/** The subprotocol. A browser brings the API key by another, beside it. */
const PROTOCOL = "shardcast.live";
const SUBPROTOCOL_HEADER = "sec-websocket-protocol";
/** Subprotocols of a client that are looked at. */
const MAX_PROTOCOLS = 16;

export interface LiveOptions {
  broadcaster: Broadcaster;
  config: Pick<ResolvedConfig, "useSharding" | "queueMessages" | "queueBytes" | "logger">;
  access: Access;
  /** What the server is, in a line. */
  about: string;
  /** Channels that have a source. */
  sources: readonly string[];
  /** In the place of a timer. */
  every?: Repeat;
}

/** The route. While it has no client, nothing is counted or computed. */
export function live(options: LiveOptions) {
  const ticking = tickingOf(options);

  return new Elysia().ws("/live", {
    detail: { hide: true },
    beforeHandle: ({ headers }) =>
      options.access.error(headers, keyIn(protocolsOf(headers[SUBPROTOCOL_HEADER]))),
    upgrade({ headers, set }) {
      const offered = headers[SUBPROTOCOL_HEADER];
      if (offered === undefined) return;
      // Without sharding Bun would take the first, which may be the key.
      const names = protocolsOf(offered).filter((name) => !name.startsWith(KEY_SUBPROTOCOL_PREFIX));
      const chosen = names.includes(PROTOCOL) ? PROTOCOL : names.find((name) => name !== "");
      set.headers[SUBPROTOCOL_HEADER] = chosen ?? "";
    },
    open(ws) {
      ws.subscribe(LIVE_CHANNEL);
      ticking.start();
    },
  });
}

/** Publishes a snapshot a second, as long as the route has clients. */
function tickingOf({ broadcaster, config, about, sources, every = repeat }: LiveOptions): Ticking {
  const snapshots = new Snapshots(broadcaster, { ...config, hidden: LIVE_CHANNEL });
  const logger = config.logger ?? createLogger();
  const watchers = () => broadcaster.subscriberCount(LIVE_CHANNEL);
  return new Ticking({
    repeat: every,
    intervalMs: INTERVAL_MS,
    isWanted: () => watchers() > 0,
    begin: () => snapshots.begin(),
    async work() {
      const message: LiveMessage = { about, sources, ...(await snapshots.next()) };
      if (watchers() === 0) return;
      snapshots.noteOwn(watchers());
      broadcaster.publish(LIVE_CHANNEL, JSON.stringify(message));
    },
    failed: (err) => logger.error({ err }, "could not send a snapshot to the live page"),
  });
}

function protocolsOf(header = ""): string[] {
  return header.split(",", MAX_PROTOCOLS).map((name) => name.trim());
}

/** The API key among the subprotocols. */
function keyIn(protocols: readonly string[]): string | undefined {
  const found = protocols.find((name) => name.startsWith(KEY_SUBPROTOCOL_PREFIX));
  if (found === undefined) return undefined;
  return Buffer.from(found.slice(KEY_SUBPROTOCOL_PREFIX.length), "base64url").toString();
}
