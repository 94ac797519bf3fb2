import { excludeFromFtl } from "../process/exclude-from-ftl";
import { SUBPROTOCOL_HEADER } from "./subprotocol";

/** What a `Host` header cannot hold: it would change the path of the URL that is made with it. */
const NOT_IN_HOST = /[\s/?#@\\]/;

/**
 * The headers that many requests have in common, read once for all of them. Requests of one browser
 * differ only in their target and a few headers.
 */
export class HeaderTemplate {
  /** The init of a `Request`, which copies the headers. */
  readonly init: { readonly headers: Headers };
  /** What its URL begins with; nothing if no URL can be made with its `Host`. */
  readonly origin: string | undefined;
  /** Whether it has the header by which subprotocols are offered. */
  readonly offersSubprotocols: boolean;
  /** Names of the headers whose value is each client's own. */
  readonly #own: readonly string[];

  /**
   * @param printed a line for each header: `name: value`; of a client's own, `name`
   * @throws TypeError for what is no header
   */
  constructor(printed: string) {
    const headers = new Headers();
    const own: string[] = [];
    for (const line of printed.split("\n")) {
      const colon = line.indexOf(": ");
      const name = colon < 0 ? line : line.slice(0, colon);
      if (colon < 0) own.push(name);
      // The door has checked that it is "websocket", in any case. Elysia knows only lower case.
      headers.append(name, name === "upgrade" ? "websocket" : line.slice(name.length + 2));
    }
    const host = headers.get("host");
    this.init = { headers };
    this.origin = host && !NOT_IN_HOST.test(host) ? `http://${host}` : undefined;
    this.offersSubprotocols = headers.has(SUBPROTOCOL_HEADER);
    this.#own = own;
  }

  /** Sets a client's own headers, in place of those of the last. */
  setOwn(values: string): void {
    const own = this.#own;
    const { headers } = this.init;
    if (own.length === 1) {
      // A piece of a string keeps it whole, as long as the client lives. Most have but this one.
      headers.set(own[0] as string, values);
      return;
    }
    this.#setEach(values.split("\n"));
  }

  #setEach(lines: string[]): void {
    for (const [at, name] of this.#own.entries()) this.init.headers.set(name, lines[at] ?? "");
  }
}

excludeFromFtl(HeaderTemplate.prototype.setOwn);
