/** Which requests the ready-made server accepts, by host, origin and API key. */

import { createHash, timingSafeEqual } from "node:crypto";

import { hostMatcher, hostNameOf, isUnspoofable, originMatcher } from "./host-patterns";
import { httpError } from "./http-errors";

/** The rules. */
export interface AccessOptions {
  /** The key that `Authorization: Bearer …` must have. Without one, none is required. */
  apiKey?: string | undefined;
  /** Names by which the server is asked for, besides IP addresses and localhost. */
  allowedHosts?: readonly string[];
  /** Origins of web pages that may talk to it, besides its own. */
  allowedOrigins?: readonly string[];
}

type RequestHeaders = Record<string, string | undefined>;

/** Decides on requests by their heads alone, before anything of a body is read. */
export class Access {
  readonly #hasKey: boolean;
  readonly #checksHosts: boolean;
  readonly #isAllowedHost: (hostname: string) => boolean;
  readonly #isAllowedOrigin: (origin: string) => boolean;
  readonly #isKey: (text: string) => boolean;

  constructor({ apiKey, allowedHosts = [], allowedOrigins = [] }: AccessOptions) {
    this.#hasKey = apiKey !== undefined;
    this.#checksHosts = apiKey === undefined || allowedHosts.length > 0;
    this.#isAllowedHost = hostMatcher(allowedHosts);
    this.#isAllowedOrigin = originMatcher(allowedOrigins);
    this.#isKey = apiKey === undefined ? () => true : keyCheck(apiKey);
  }

  /**
   * Refuses a request for a host that this server is not. The owner of a domain can let its name
   * resolve to this machine, and a browser then takes a page of that domain for the server's own.
   */
  hostError(host: string | null | undefined): Response | undefined {
    // Browsers always send one.
    if (!this.#checksHosts || !host) return undefined;
    const hostname = hostNameOf(host);
    if (hostname !== undefined && (isUnspoofable(hostname) || this.#isAllowedHost(hostname))) {
      return undefined;
    }
    return httpError(
      "HOST_NOT_ALLOWED",
      `this server does not answer for the host ${JSON.stringify(host.slice(0, MAX_SHOWN))}: ` +
        "start it with --allowed-host NAME (SHARDCAST_ALLOWED_HOST, allowedHosts), or with an " +
        "API key",
    );
  }

  /** Whether a page of this origin may talk to the server, though it comes from elsewhere. */
  allowsOrigin(origin: string | null | undefined): boolean {
    return Boolean(origin) && this.#isAllowedOrigin(String(origin));
  }

  /**
   * Refuses a request that has no key, or that a web page of another origin has sent.
   *
   * @param key a key that the client has sent elsewhere than in `Authorization`
   */
  error(headers: RequestHeaders, key?: string): Response | undefined {
    // A page that has the key may come from anywhere. Without a key, any page could do anything.
    if (!this.#hasKey && this.#isForeign(headers)) {
      return httpError(
        "ORIGIN_NOT_ALLOWED",
        "web pages of another origin cannot use this: start the server with " +
          "--allowed-origin ORIGIN (SHARDCAST_ALLOWED_ORIGIN, allowedOrigins), or with an API key",
      );
    }
    if (this.#isKey(bearerToken(headers.authorization)) || this.#isKey(key ?? "")) return undefined;
    const message = "this requires the API key: Authorization: Bearer <key>";
    return httpError("API_KEY_REQUIRED", message, { "www-authenticate": "Bearer" });
  }

  /**
   * Whether a web page of another origin has sent a request. A browser names the origin of the page
   * in `Origin`, and where the page believes to be in `Host`; other clients send no `Origin`.
   */
  #isForeign({ origin, host = "" }: RequestHeaders): boolean {
    if (origin === undefined || this.#isAllowedOrigin(origin)) return false;
    // "null" is the origin of pages that are from nowhere, such as a file or a sandbox.
    if (!URL.canParse(origin)) return true;
    const { protocol, host: home } = new URL(origin);
    // With the scheme of the page, so that its default port is one and the same as none.
    const asked = `${protocol}//${host}`;
    return !URL.canParse(asked) || new URL(asked).host !== home;
  }
}

/** Characters of a client's that a message repeats. */
const MAX_SHOWN = 200;

/** Makes the check against a key. It takes the same time however much of the key is right. */
function keyCheck(apiKey: string): (text: string) => boolean {
  const expected = digest(apiKey);
  return (text) => timingSafeEqual(digest(text), expected);
}

/** The key behind the scheme, whose name is in any case. Empty for another scheme. */
function bearerToken(header = ""): string {
  return /^bearer +(.*)$/i.exec(header)?.[1] ?? "";
}

/** Digests are of one length, which the comparison needs. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
