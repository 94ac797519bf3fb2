import type { Server } from "bun";
import type { AnyElysia } from "elysia";
import { BunAdapter } from "elysia/adapter/bun";

import { ShardcastError } from "../errors";
import type { ListenOptions, ServeOptions } from "./listen-options";

/**
 * Has Elysia's own adapter listen, but keeps the app's `onStart` hooks back: they run later,
 * with the server that the app ends up with.
 *
 * @param change is given what Bun is to serve, with the app's handlers, and returns it changed
 */
export function listenBuiltIn(
  app: AnyElysia,
  options: ServeOptions,
  change?: (served: object) => object,
): Server<unknown> {
  const { start = [] } = app.event;
  const { serve } = Bun;
  app.event.start = [];
  try {
    if (change) Bun.serve = ((served: object) => serve(change(served) as never)) as typeof serve;
    BunAdapter.listen(app)(options as Exclude<ListenOptions, string | number>);
  } finally {
    Bun.serve = serve;
    app.event.start = start;
  }
  if (!app.server) throw new ShardcastError("LISTEN_FAILED", "Elysia started no server");
  return app.server;
}
