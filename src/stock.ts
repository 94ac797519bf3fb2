import type { Server } from "bun";
import type { AnyElysia } from "elysia";
import { BunAdapter } from "elysia/adapter/bun";

import { ShardcastError } from "./errors";
import type { ListenOptions, ServeOptions } from "./listen-options";

/**
 * Has Elysia's own adapter listen, but keeps the app's `onStart` hooks back: they are to see the
 * server that the app ends up with.
 */
export function listenStock(app: AnyElysia, options: ServeOptions): Server<unknown> {
  const { start = [] } = app.event;
  app.event.start = [];
  try {
    BunAdapter.listen(app)(options as Exclude<ListenOptions, string | number>);
  } finally {
    app.event.start = start;
  }
  if (!app.server) throw new ShardcastError("LISTEN_FAILED", "Elysia started no server");
  return app.server;
}
