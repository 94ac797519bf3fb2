import { onTestFinished } from "bun:test";
import { Elysia } from "elysia";

import {
  type Broadcaster,
  createBroadcaster,
  type OwnBroadcaster,
  type ShardcastConfig,
  type Source,
  shardcast,
} from "../../src/index";

/** An app that listens, and where. */
export interface Serving {
  app: Elysia;
  broadcaster: Broadcaster;
  /** `http://127.0.0.1:<port>` */
  http: string;
  /** `ws://127.0.0.1:<port>` */
  ws: string;
}

/** Few threads: tests run on small machines, and many servers start in one run. */
export const SMALL = { numShards: 2, workersPerShard: 1 } satisfies ShardcastConfig;

/** A source of a channel that brings nothing. */
export function emptySource(channel: string): Source {
  return { channel, canWait: true, async *messages() {} };
}

/** Serves the routes on a free port, until the test ends. */
export function serve(config: ShardcastConfig, routes: (app: Elysia) => unknown): Serving {
  return serveWith(createBroadcaster({ ...SMALL, ...config }), routes);
}

/** Serves the routes with this broadcaster on a free port, until the test ends. */
export function serveWith(broadcaster: OwnBroadcaster, routes: (app: Elysia) => unknown): Serving {
  const adapter = shardcast(broadcaster);
  const app = new Elysia({ adapter });
  routes(app);
  app.listen({ port: 0, hostname: "127.0.0.1" });
  // Not an afterEach: a module is loaded once, and its hooks belong to the first file that loads
  // it.
  onTestFinished(async () => {
    if (app.server) await app.stop(true);
  });
  const host = `127.0.0.1:${app.server?.port}`;
  return { app, broadcaster, http: `http://${host}`, ws: `ws://${host}` };
}
