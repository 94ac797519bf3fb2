import type { FlatHeaders } from "./headers";

/** What a `Host` header cannot hold: it would change the path of the URL that is made with it. */
const NOT_IN_HOST = /[\s/?#@\\]/;

/** TypeScript takes `signal` for a plain property, which no accessor may stand in for. */
const SignalessRequest = Request as new (
  url: string,
  init: { headers: [string, string][] },
) => Omit<Request, "signal">;

/**
 * The request of an upgrade, as the app would have got it from Bun.
 *
 * Its signal aborts when the client leaves before the decision. Hardly anybody asks for it, and the
 * request is kept as long as its socket: so it is made for whoever asks.
 */
export class UpgradeRequest extends SignalessRequest {
  #leaving: AbortController | undefined;

  /** Nothing if its URL cannot be made. */
  static from(url: string, flat: FlatHeaders): UpgradeRequest | undefined {
    const headers: [string, string][] = [];
    let host: string | undefined;
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, value] = [flat[i] as string, flat[i + 1] as string];
      if (name === "host") host = value;
      // The door has seen that it says "websocket", in whatever case. Elysia knows lower case
      // alone.
      headers.push([name, name === "upgrade" ? "websocket" : value]);
    }
    if (!host || NOT_IN_HOST.test(host)) return undefined;
    try {
      return new UpgradeRequest(`http://${host}${url}`, { headers });
    } catch {
      return undefined;
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The client has left. */
  abort(): void {
    this.#controller.abort(new DOMException("The connection was closed.", "AbortError"));
  }

  get #controller(): AbortController {
    this.#leaving ??= new AbortController();
    return this.#leaving;
  }
}
