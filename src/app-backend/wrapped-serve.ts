/** `Bun.serve` as tracers wrap it: they expect to see every request, and upgrades among them. */

import { types } from "node:util";
import { UpgradeRequest } from "../upgrades/upgrade-request";
import type { Handler } from "./http-peers";

/** Identifies an upgrade on its way through the wrapped `fetch`. */
const UPGRADE_HEADER = "x-shardcast-upgrade";

/** Whether something has taken the place of Bun's own function. */
export function isServeWrapped(): boolean {
  const { serve } = Bun;
  const isNative = /\[native code\]/.test(Function.prototype.toString.call(serve));
  return types.isProxy(serve) || !isNative;
}

/**
 * Has upgrades answered through a server whose `fetch` may be wrapped.
 *
 * What wraps it sees an ordinary request, which Bun makes of ours. At the other end the app gets
 * ours again.
 */
export class WrappedServe {
  readonly #upgrades = new Map<string, UpgradeRequest>();

  constructor(
    /** Answers as the server does. */
    private readonly fetch: (request: Request) => Response | Promise<Response>,
  ) {}

  /** Answers an upgrade, as the server's `fetch` does. */
  async answer(request: Request): Promise<unknown> {
    if (!(request instanceof UpgradeRequest)) return this.fetch(request);
    // No client can guess it: it would be taken for another.
    const key = crypto.randomUUID();
    const headers = new Headers(request.headers);
    headers.set(UPGRADE_HEADER, key);
    this.#upgrades.set(key, request);
    try {
      return await this.fetch(new Request(request.url, { headers }));
    } finally {
      this.#upgrades.delete(key);
    }
  }

  /** What the server has to be given as `fetch`. */
  entry(fetch: Handler): Handler {
    const upgrades = this.#upgrades;
    return function (this: unknown, request, server) {
      const key = request.headers.get(UPGRADE_HEADER);
      const upgrade = key === null ? undefined : upgrades.get(key);
      if (!upgrade) return fetch.call(this, request, server);
      return responseTo(upgrade, fetch.call(this, upgrade, server));
    };
  }
}

/** What wraps `fetch` expects a response, also for a client that was accepted. */
async function responseTo(request: UpgradeRequest, answer: unknown): Promise<unknown> {
  const response = await answer;
  const isAccepted = request.pending === undefined;
  return isAccepted ? (response ?? new Response()) : response;
}
