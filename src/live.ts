/** `/live`: how the server does, once a second, for its own page. */

import { Elysia } from "elysia";

import type { Broadcaster } from "./index";
import { Snapshots } from "./snapshots";

/** Strangers cannot name it, neither to subscribe nor to publish: see `channels.ts`. */
const CHANNEL = "$live";
const INTERVAL_MS = 1000;

/** The subprotocol, and the one by which a browser brings the API key: it can send no other header. */
const PROTOCOL = "shardcast.live";
const KEY_PREFIX = "shardcast.key.";

export interface LiveOptions {
  broadcaster: Broadcaster;
  /** Whether this `Authorization` header lets in. */
  mayUse: (header: string | undefined) => boolean;
  /** What the server is, in a line. */
  about: string;
  /** Channels that have a source. */
  sources: readonly string[];
}

/** The route. Nothing is counted or computed while nobody watches. */
export function live({ broadcaster, mayUse, about, sources }: LiveOptions) {
  let ticking: Timer | undefined;
  const snapshots = new Snapshots(broadcaster, CHANNEL);

  const tick = async () => {
    if (broadcaster.subscriberCount(CHANNEL) === 0) {
      clearInterval(ticking);
      ticking = undefined;
      return;
    }
    const text = JSON.stringify({ about, sources, ...(await snapshots.next()) });
    snapshots.noteOwn(broadcaster.subscriberCount(CHANNEL), text.length);
    broadcaster.publish(CHANNEL, text);
  };

  return new Elysia().ws("/live", {
    detail: { hide: true },
    beforeHandle({ headers, status }) {
      const offered = protocolsOf(headers["sec-websocket-protocol"]);
      const allowed = mayUse(headers.authorization) || mayUse(keyIn(offered));
      return allowed ? undefined : status(401, { error: "this needs the API key" });
    },
    upgrade: ({ headers }) =>
      protocolsOf(headers["sec-websocket-protocol"]).includes(PROTOCOL)
        ? { "sec-websocket-protocol": PROTOCOL }
        : {},
    open(ws) {
      ws.subscribe(CHANNEL);
      if (ticking !== undefined) return;
      snapshots.begin();
      ticking = setInterval(tick, INTERVAL_MS);
      // A server that is told to end does not wait for its own page.
      ticking.unref();
      void tick();
    },
  });
}

function protocolsOf(header = ""): string[] {
  return header.split(",").map((name) => name.trim());
}

/** The key among the subprotocols, as the header `Authorization` would have it. */
function keyIn(protocols: readonly string[]): string | undefined {
  const found = protocols.find((name) => name.startsWith(KEY_PREFIX))?.slice(KEY_PREFIX.length);
  return found === undefined ? undefined : `Bearer ${Buffer.from(found, "base64url")}`;
}
