/** Where the requests of plain HTTP come from. */

import { PEER_HEADER } from "../sharded/constants";
import type { PeerAddress } from "./trusted-proxies";

/** Answers a request that came in at a server, as `Bun.serve` takes it. */
export type Handler = (request: Request, server: unknown) => unknown;

const FORBIDDEN = 403;

/** The peers of the requests in progress, by the door's header. */
export class Peers {
  readonly #peers = new WeakMap<Request, PeerAddress>();
  /** A call of `internally` is in progress: its request comes from within the process. */
  #isInternal = false;

  /** The server that handlers get: the public one, not Bun's behind the door. */
  server: unknown;

  constructor(
    /** By which the door is known: others may be able to connect to the server as well. */
    private readonly secret: string,
  ) {}

  /** Lets in a request of the process itself, which does not come through the door. */
  internally<T>(call: () => T): T {
    this.#isInternal = true;
    try {
      return call();
    } finally {
      this.#isInternal = false;
    }
  }

  /** Nothing for a request that did not come through the door. */
  of(request: Request): PeerAddress | undefined {
    this.#note(request);
    return this.#peers.get(request);
  }

  /**
   * The options of a server, with its handlers of HTTP behind ones that take the header off, turn
   * away who is not the door, and know the public server.
   */
  noting(options: object): object {
    const { fetch, routes } = options as { fetch?: Handler; routes?: Record<string, unknown> };
    return {
      ...options,
      ...(fetch && { fetch: this.#noting(fetch) }),
      ...(routes && { routes: mapValues(routes, (route) => this.#notingRoute(route)) }),
    };
  }

  /** A route is a handler, or one for each method; or what needs none, such as a response. */
  #notingRoute(route: unknown): unknown {
    if (typeof route === "function") return this.#noting(route as Handler);
    if (!isRecord(route)) return route;
    return mapValues(route, (handler) =>
      typeof handler === "function" ? this.#noting(handler as Handler) : handler,
    );
  }

  #noting(handler: Handler): Handler {
    return (request) => {
      const { server } = this;
      const isFromDoor = this.#note(request);
      if (!isFromDoor && !this.#isInternal) return new Response(null, { status: FORBIDDEN });
      return handler.call(server, request, server);
    };
  }

  /** Whether the request comes through the door. */
  #note(request: Request): boolean {
    const [secret, address, port] = request.headers.get(PEER_HEADER)?.split(" ") ?? [];
    if (!address || !port || secret !== this.secret) return false;
    request.headers.delete(PEER_HEADER);
    this.#peers.set(request, { address, port: Number(port) });
    return true;
  }
}

function mapValues(record: Record<string, unknown>, map: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return Object.getPrototypeOf(value ?? "") === Object.prototype;
}
