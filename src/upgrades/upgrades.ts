import type { PeerAddress, TrustedProxies } from "../app-backend/trusted-proxies";
import type { ResolvedConfig } from "../config/config";
import { excludeFromFtl } from "../process/exclude-from-ftl";
import type { Clients } from "../sharded/clients/clients";
import { ShardcastSocket } from "../sharded/clients/socket";
import { SHARD_FULL, UPGRADE_GONE } from "../sharded/constants";
import type { CoreEvent } from "../sharded/native";
import { decodeAccept } from "../sharded/packed-answers";
import type { ShardedRun } from "../sharded/sharded-run";
import { type HeaderSource, toFlat } from "./headers";
import { plainRefusal, type Refusal, toRefusal } from "./refusal";
import type { RefusedHere } from "./refused-upgrades";
import { SUBPROTOCOL_HEADER, withSubprotocol } from "./subprotocol";
import { UpgradeReader } from "./upgrade-reader";
import { type PendingUpgrade, UpgradeRequest } from "./upgrade-request";

/** What `server.upgrade` takes besides the request. */
export interface UpgradeOptions {
  /** Further headers of the 101 response. */
  headers?: HeaderSource;
  /** Becomes `ws.data`. */
  data?: unknown;
}

/** Answers a request, as `app.fetch` does. */
export type RequestHandler = (request: Request) => unknown;

/** Answers for an error that the app has not answered for, as `error` of `Bun.serve` does. */
export type ErrorHandler = (error: unknown) => unknown;

type UpgradesEvent = Extract<CoreEvent, { type: "Upgrades" }>;

/** An upgrade that the app decides on. */
type WithRequest = PendingUpgrade & { request: UpgradeRequest };

/** A client that finds its shard full may try again after this time. */
const RETRY_AFTER_SECONDS = 5;

/** The answer where neither the app nor its error handler has one. */
const INTERNAL_ERROR = plainRefusal(500, "internal server error");

/** Answers without a call of the app. */
const REFUSAL_TEXTS = { full: "the server is full", draining: "the server is shutting down" };

/**
 * Passes upgrade requests to the app, and the app's decisions to the door.
 *
 * The app decides by calling `server.upgrade(request)` or not, while it answers the request.
 */
export class Upgrades {
  readonly #reader = new UpgradeReader();
  /** Those that the app has not decided on, by their id. */
  readonly #pending = new Map<number, WithRequest>();
  /** Answers for what the handler throws. Replaced when the server is reloaded. */
  errorHandler: ErrorHandler | undefined;

  constructor(
    private readonly run: ShardedRun,
    private readonly clients: Clients,
    private readonly config: ResolvedConfig,
    private readonly proxies: TrustedProxies,
    /** Replaced when the server is reloaded. */
    public handler: RequestHandler,
  ) {
    excludeFromFtl(this.#handle, this.#pendingOf, this.#idOf, this.#forget, this.accept);
  }

  /** How many wait for a decision, without those whose wait the door has ended. */
  get pending(): number {
    return this.run.core.undecidedUpgrades();
  }

  /** The address that an upgrade request comes from; nothing for any other request. */
  peer(request: Request): PeerAddress | undefined {
    return this.#pendingOf(request);
  }

  /** The upgrade that belongs to a request, if it is pending at this server. */
  #pendingOf(request: Request): WithRequest | undefined {
    const upgrade = request instanceof UpgradeRequest ? request.pending : undefined;
    const known = upgrade && this.#pending.get(upgrade.id);
    return known === upgrade ? known : undefined;
  }

  /** Has the app decide on each upgrade of an event. Never throws. */
  decide(event: UpgradesEvent): void {
    this.clients.readLogLevel();
    this.#reader.read(event, this.#handle);
  }

  /**
   * Has the app answer, and refuses with that answer unless it has upgraded.
   *
   * Thousands pass here in one moment. An async function would leave more behind for each of them,
   * and more for the engine's compilers to do.
   */
  readonly #handle = (upgrade: PendingUpgrade): void => {
    if (!this.run.isUp) return;
    if (!isRequest(upgrade)) {
      this.#refuse(upgrade, plainRefusal(400, "bad Host header or URL"));
      return;
    }
    this.#pending.set(upgrade.id, upgrade);
    try {
      Promise.resolve(this.run.inContext(this.handler, upgrade.request)).then(
        (answer) => {
          if (upgrade.decided) this.#forget(upgrade);
          else void this.#refuseWith(upgrade, answer);
        },
        (error) => this.#answerError(upgrade, error),
      );
    } catch (error) {
      void this.#answerError(upgrade, error);
    }
  };

  async #refuseWith(upgrade: WithRequest, answer: unknown): Promise<void> {
    try {
      this.#refuse(upgrade, await toRefusal(answer, this.config.upgradeTimeoutMs));
      this.#forget(upgrade);
    } catch (error) {
      await this.#answerError(upgrade, error);
    }
  }

  async #answerError(upgrade: WithRequest, error: unknown): Promise<void> {
    try {
      this.#refuse(upgrade, await this.#refusalFor(error));
    } catch (again) {
      // The answer of the app's own error handler has a header that cannot be sent.
      console.error(again);
      this.#refuse(upgrade, INTERNAL_ERROR);
    } finally {
      this.#forget(upgrade);
    }
  }

  /** The client of an upgrade has left, or has got a 503. */
  abort(id: number): void {
    const upgrade = this.#pending.get(id);
    if (!upgrade) return;
    this.#forget(upgrade);
    upgrade.request.abort();
  }

  /** Ends all that are pending: they can no longer be decided. */
  abortAll(): void {
    for (const id of [...this.#pending.keys()]) this.abort(id);
  }

  /**
   * Accepts the client behind `request`, and runs its `open` handler before returning.
   *
   * @returns false when this is no upgrade, it was decided before, the client has gone, its shard
   *   is full or the server is shutting down. In the last two cases the client gets a 503.
   */
  accept(request: Request, options: UpgradeOptions = {}): boolean {
    const upgrade = this.#pendingOf(request);
    if (!upgrade || upgrade.decided) return false;
    const id = this.#idOf(request);
    const offered = upgrade.offersSubprotocols ? request.headers.get(SUBPROTOCOL_HEADER) : null;
    const { address } = this.proxies.clientOf(upgrade, request.headers);
    // From here on the app's own getters may run, and change what was read above.
    const { data, headers } = options;
    const extra = withSubprotocol(headers && toFlat(headers), offered);
    if (this.run.state !== "serving") return this.#refuseBusy(upgrade, "draining");
    const accepted = this.run.calls.accept(upgrade.id, id, extra, this.clients.discardsFor(data));
    if (accepted === SHARD_FULL) return this.#refuseBusy(upgrade, "full");
    upgrade.decided = true;
    if (accepted === UPGRADE_GONE) return false;
    this.#forget(upgrade);
    const { handle, worker } = decodeAccept(accepted);
    const peer = { handle, id, address, worker };
    this.clients.admit(handle, new ShardcastSocket(this.run, peer, data));
    return true;
  }

  /** What the app calls the client; nothing leaves it to the core. */
  #idOf(request: Request): string | undefined {
    const id = this.config.clientId?.(request);
    return id === undefined || id === null ? undefined : String(id);
  }

  /** As `Bun.serve` does with an error in `fetch`. */
  async #refusalFor(error: unknown): Promise<Refusal> {
    try {
      if (!this.errorHandler) throw error;
      return await toRefusal(await this.errorHandler(error), this.config.upgradeTimeoutMs);
    } catch (unhandled) {
      console.error(unhandled);
      return INTERNAL_ERROR;
    }
  }

  /** Elysia keeps the request as long as its socket, and Bun knows no address for it any more. */
  #forget({ id, request }: WithRequest): void {
    this.#pending.delete(id);
    request.pending = undefined;
  }

  #refuseBusy(upgrade: WithRequest, reason: keyof typeof REFUSAL_TEXTS): false {
    const retryAfter = ["retry-after", String(RETRY_AFTER_SECONDS)];
    this.#refuse(upgrade, plainRefusal(503, REFUSAL_TEXTS[reason], retryAfter), reason);
    if (reason === "full") this.run.log.record("shardFull");
    return false;
  }

  #refuse(
    upgrade: Pick<WithRequest, "id" | "decided">,
    { status, headers, body }: Refusal,
    reason: keyof RefusedHere = "app",
  ): void {
    if (upgrade.decided) return;
    const delivered = this.run.core.refuse(upgrade.id, status, headers, body);
    upgrade.decided = true;
    // The door counts those that it answers itself.
    if (delivered) this.run.counts.refused[reason] += 1;
  }
}

function isRequest(upgrade: PendingUpgrade): upgrade is WithRequest {
  return upgrade.request !== undefined;
}
