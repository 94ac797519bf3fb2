import type { AskedUpgrade } from "./asked-upgrades";
import { keepFromFtl } from "./keep-from-ftl";
import type { RequestHead } from "./request-head";

/** TypeScript takes `signal` for a plain property, which no accessor may stand in for. */
const SignalessRequest = Request as new (
  url: string,
  init: { headers: Headers },
) => Omit<Request, "signal">;

/** Who has asked for the signal of a request. The requests themselves are to stay small. */
const leaving = new WeakMap<UpgradeRequest, AbortController>();

/**
 * The request of an upgrade, as the app would have got it from Bun.
 *
 * Its signal aborts when the client leaves before the decision. Hardly anybody asks for it, and the
 * request is kept as long as its socket: so it is made for whoever asks.
 */
export class UpgradeRequest extends SignalessRequest {
  /** What the core asks; nothing once the client is accepted, or the app has answered. */
  ask: AskedUpgrade | undefined;

  /**
   * @param own values of the client's own headers
   * @returns nothing if its `Host` has no place in a URL
   * @throws TypeError if its URL cannot be made, or a value is no header's
   */
  static from(target: string, head: RequestHead, own: string): UpgradeRequest | undefined {
    if (head.origin === undefined) return undefined;
    head.setOwn(own);
    return new UpgradeRequest(head.origin + target, head.init);
  }

  get signal(): AbortSignal {
    return controllerOf(this).signal;
  }

  /** The client has left. */
  abort(): void {
    controllerOf(this).abort(new DOMException("The connection was closed.", "AbortError"));
  }
}

function controllerOf(request: UpgradeRequest): AbortController {
  const known = leaving.get(request);
  if (known) return known;
  const controller = new AbortController();
  leaving.set(request, controller);
  return controller;
}

keepFromFtl(UpgradeRequest.from);
