import { isIPv6 } from "node:net";
import type { Server, SocketAddress } from "bun";
import type { Handler, Peers } from "../app-backend/http-peers";
import type { TrustedProxies } from "../app-backend/trusted-proxies";
import { setIdleTimeout } from "../app-backend/upstream";
import { isServeWrapped, WrappedServe } from "../app-backend/wrapped-serve";
import { type MessageData, toPayload } from "../payload";
import { sendStatus } from "../publish-result";
import type { SocketHandlers } from "../sharded/clients/clients";
import { CUT_OFF_TIMEOUT_MS, NO_CLIENT, SERVER_CLOSED } from "../sharded/constants";
import type { DoorAddress } from "../sharded/native";
import type { ShardedRun } from "../sharded/sharded-run";
import type { ErrorHandler, UpgradeOptions, Upgrades } from "../upgrades/upgrades";
import type { Address } from "./listen-options";

/** What an `EdgeServer` stands before. */
export interface EdgeParts {
  run: ShardedRun;
  upgrades: Upgrades;
  /** Bun's server behind the door. */
  inner: Server<unknown>;
  /** Stands before that server's handlers. */
  peers: Peers;
  proxies: TrustedProxies;
  /** The public address, as it was really opened. */
  address: Address & DoorAddress;
}

/**
 * Stands in for Bun's `Server` as `app.server`: WebSockets are the core's, plain HTTP is delegated
 * to the Bun server behind the door.
 */
export class EdgeServer implements Server<unknown> {
  readonly #parts: EdgeParts;
  /** Nothing where `Bun.serve` is Bun's own. */
  readonly #wrapped: WrappedServe | undefined;

  constructor(parts: EdgeParts) {
    this.#parts = parts;
    parts.peers.server = this;
    this.#wrapped = isServeWrapped()
      ? new WrappedServe((request) => this.fetch(request))
      : undefined;
  }

  /**
   * Publishes to all subscribers of `topic`.
   *
   * @param compress false keeps the message as it is for those too that take messages compressed
   * @returns bytes of payload when every worker with a subscriber took it; 0 when any dropped it,
   *   or the channel has no subscriber. `broadcaster.publish` returns more
   */
  publish(topic: string, data: MessageData, compress = true): number {
    // As Bun does, and as no method of a socket does; so is that anything may be meant by
    // `compress`.
    const payload = toPayload(data ?? String(data), "publish");
    const result = this.#parts.run.publishPayload(topic, payload, NO_CLIENT, Boolean(compress));
    return sendStatus(result, payload);
  }

  subscriberCount(topic: string): number {
    return this.#parts.run.subscriberCount(topic);
  }

  upgrade(request: Request, options?: UpgradeOptions): boolean {
    return this.#parts.upgrades.accept(request, options);
  }

  /**
   * The client's own address, not the door's, nor that of a proxy in `trustedProxies`. Null for a
   * request that did not come from outside.
   */
  requestIP(request: Request): SocketAddress | null {
    const { peers, proxies, upgrades } = this.#parts;
    const nearest = upgrades.peer(request) ?? peers.of(request);
    if (!nearest) return null;
    const { address, port } = proxies.clientOf(nearest, request.headers);
    return toSocketAddress(address, port);
  }

  /**
   * Closes the port. Resolves once everything has ended.
   *
   * @param closeActiveConnections false waits for clients and requests to leave by themselves,
   *   however long that takes; true closes them: requests at once, and clients with code 1001
   */
  stop(closeActiveConnections = false): Promise<void> {
    const { run } = this.#parts;
    if (!closeActiveConnections) return run.drain();
    run.cutOff();
    return run.shutdown({ reason: SERVER_CLOSED, spreadMs: 0, timeoutMs: CUT_OFF_TIMEOUT_MS });
  }

  [Symbol.dispose](): void {
    void this.stop(true);
  }

  /**
   * Replaces the handlers of plain HTTP, of upgrades and of WebSockets, open ones too.
   *
   * Elysia does so after every `listen`, before the first request: its handlers all pass here.
   */
  reload(options: object): this {
    const { inner, run, upgrades } = this.#parts;
    const { fetch, error, websocket } = options as {
      fetch?: Handler;
      error?: ErrorHandler;
      websocket?: SocketHandlers;
    };
    const wrapped = this.#wrapped;
    const own = { ...options, ...(fetch && wrapped && { fetch: wrapped.entry(fetch) }) };
    inner.reload(this.#parts.peers.noting(own) as Parameters<typeof inner.reload>[0]);
    if (fetch) {
      upgrades.handler = wrapped
        ? (request) => wrapped.answer(request)
        : (request) => fetch.call(this, request, this);
    }
    if (error) upgrades.errorHandler = (thrown) => error.call(this, thrown);
    if (websocket) run.clients.handlers = websocket;
    return this;
  }

  /** Answers without a socket. */
  fetch(request: Request | string): Response | Promise<Response> {
    return this.#parts.peers.internally(() => this.#parts.inner.fetch(request));
  }

  /** Limits how long plain HTTP may be silent. An upgrade has the config's own limits. */
  timeout(request: Request, seconds: number): void {
    if (!this.#parts.upgrades.peer(request)) setIdleTimeout(request, seconds);
  }

  closeIdleConnections(): number {
    return this.#parts.inner.closeIdleConnections();
  }

  ref(): this {
    this.#parts.inner.ref();
    return this;
  }

  unref(): this {
    this.#parts.inner.unref();
    return this;
  }

  get pendingRequests(): number {
    return this.#parts.inner.pendingRequests + this.#parts.upgrades.pending;
  }

  get pendingWebSockets(): number {
    return this.#parts.run.clients.count;
  }

  get port(): number {
    return this.#parts.address.port;
  }

  get hostname(): string {
    return this.#parts.address.hostname;
  }

  get address(): SocketAddress {
    const { host, port } = this.#parts.address;
    return toSocketAddress(host, port);
  }

  get url(): URL {
    const { hostname, port } = this.#parts.address;
    return new URL(`http://${isIPv6(hostname) ? `[${hostname}]` : hostname}:${port}/`);
  }

  get protocol(): "http" {
    return "http";
  }

  get id(): string {
    return this.#parts.inner.id;
  }

  get development(): boolean {
    return this.#parts.inner.development;
  }
}

function toSocketAddress(address: string, port: number): SocketAddress {
  return { address, family: isIPv6(address) ? "IPv6" : "IPv4", port };
}
