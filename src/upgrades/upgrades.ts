import type { ResolvedConfig } from "../config/config";
import type { Clients } from "../sharded/clients";
import { ASK_GONE, SHARD_FULL } from "../sharded/constants";
import { type CoreEvent, decodeAccept } from "../sharded/native";
import type { ShardedRun } from "../sharded/sharded-run";
import { ShardcastSocket } from "../sharded/socket";
import { type AskedUpgrade, AskedUpgrades } from "./asked-upgrades";
import { type HeaderSource, toFlat } from "./headers";
import { keepFromFtl } from "./keep-from-ftl";
import { plainRefusal, type Refusal, toRefusal } from "./refusal";
import type { RefusedHere } from "./refused-upgrades";
import { SUBPROTOCOL_HEADER, withSubprotocol } from "./subprotocol";
import { UpgradeRequest } from "./upgrade-request";

/** Where a request comes from. */
export interface PeerAddress {
  address: string;
  port: number;
}

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

/** One client that waits at the door, and that the app is asked about. */
type Ask = AskedUpgrade & { request: UpgradeRequest };

/** A client that finds its shard full may try again after this time. */
const RETRY_AFTER_SECONDS = 5;

/** What a client is told whose upgrade has failed. */
const INTERNAL_ERROR = plainRefusal(500, "internal server error");

/** What the clients are told that nobody asks the app about. */
const TURNED_AWAY = { full: "the server is full", draining: "the server is shutting down" };

/**
 * Brings each client that asks for a WebSocket before the app, and the app's decision to the door.
 *
 * The app decides by calling `server.upgrade(request)` or not, while it answers the request.
 */
export class Upgrades {
  readonly #asked = new AskedUpgrades();
  /** Those that are put to the app and not accepted, by their number. */
  readonly #pending = new Map<number, Ask>();
  /** Answers for what the handler throws. Replaced when the server is reloaded. */
  errorHandler: ErrorHandler | undefined;

  constructor(
    private readonly run: ShardedRun,
    private readonly clients: Clients,
    private readonly config: ResolvedConfig,
    /** Replaced when the server is reloaded. */
    public handler: RequestHandler,
  ) {
    keepFromFtl(this.#put, this.#askOf, this.#idOf, this.#forget, this.accept);
  }

  /**
   * Clients that wait for a decision on their upgrade: no longer those that the door gave up on.
   */
  get pending(): number {
    return this.run.core.undecidedUpgrades();
  }

  /** The nearest that an upgrade request comes from; nothing for any other request. */
  peer(request: Request): PeerAddress | undefined {
    return this.#askOf(request);
  }

  /** What waits for the decision on a request, if that is one of this server's. */
  #askOf(request: Request): Ask | undefined {
    const ask = request instanceof UpgradeRequest ? request.ask : undefined;
    const known = ask && this.#pending.get(ask.id);
    return known === ask ? known : undefined;
  }

  /** Has the app decide on clients that ask, as long as the run goes on. Never throws. */
  decide(event: UpgradesEvent): void {
    this.clients.heedLogLevel();
    this.#asked.read(event, this.#put);
  }

  /**
   * Has the app answer, and refuses with that answer unless it has upgraded.
   *
   * Thousands pass here in one moment. An async function would leave more behind for each of them,
   * and more for the engine's compilers to do.
   */
  readonly #put = (asked: AskedUpgrade): void => {
    if (!this.run.isUp) return;
    if (!isRequest(asked)) {
      this.#refuse(asked, plainRefusal(400, "bad Host header or URL"));
      return;
    }
    this.#pending.set(asked.id, asked);
    try {
      Promise.resolve(this.run.inContext(this.handler, asked.request)).then(
        (answer) => {
          if (asked.decided) this.#forget(asked);
          else void this.#refuseWith(asked, answer);
        },
        (error) => this.#fail(asked, error),
      );
    } catch (error) {
      void this.#fail(asked, error);
    }
  };

  async #refuseWith(ask: Ask, answer: unknown): Promise<void> {
    try {
      this.#refuse(ask, await toRefusal(answer, this.config.upgradeTimeoutMs));
      this.#forget(ask);
    } catch (error) {
      await this.#fail(ask, error);
    }
  }

  async #fail(ask: Ask, error: unknown): Promise<void> {
    try {
      this.#refuse(ask, await this.#refusalFor(error));
    } catch (again) {
      // The answer of the app's own error handler has a header that cannot be sent.
      console.error(again);
      this.#refuse(ask, INTERNAL_ERROR);
    } finally {
      this.#forget(ask);
    }
  }

  /** The client of an upgrade has gone, or was told 503. */
  giveUp(id: number): void {
    const ask = this.#pending.get(id);
    if (!ask) return;
    this.#forget(ask);
    ask.request.abort();
  }

  /** No upgrade can be decided any more. */
  giveUpAll(): void {
    for (const id of [...this.#pending.keys()]) this.giveUp(id);
  }

  /**
   * Accepts the client behind `request`, and runs its `open` handler before returning.
   *
   * @returns false when this is no upgrade, it was decided before, the client has gone, its shard
   *   is full or the server is shutting down. In the last two cases the client is told 503.
   */
  accept(request: Request, options: UpgradeOptions = {}): boolean {
    const ask = this.#askOf(request);
    if (!ask || ask.decided) return false;
    const id = this.#idOf(request);
    const offered = ask.offersSubprotocols ? request.headers.get(SUBPROTOCOL_HEADER) : null;
    const { address } = this.run.proxies?.clientOf(ask, request.headers) ?? ask;
    // From here on the app's own getters may run, and change what was read above.
    const { data, headers } = options;
    const extra = withSubprotocol(headers && toFlat(headers), offered);
    if (this.run.state !== "serving") return this.#turnAway(ask, "draining");
    const accepted = this.run.calls.accept(ask.id, id, extra, this.clients.discardsFor(data));
    if (accepted === SHARD_FULL) return this.#turnAway(ask, "full");
    ask.decided = true;
    if (accepted === ASK_GONE) return false;
    this.#forget(ask);
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
  #forget({ id, request }: Ask): void {
    this.#pending.delete(id);
    request.ask = undefined;
  }

  #turnAway(ask: Ask, reason: keyof typeof TURNED_AWAY): false {
    const retryAfter = ["retry-after", String(RETRY_AFTER_SECONDS)];
    this.#refuse(ask, plainRefusal(503, TURNED_AWAY[reason], retryAfter), reason);
    if (reason === "full") this.run.log.record("shardFull");
    return false;
  }

  #refuse(
    ask: Pick<Ask, "id" | "decided">,
    { status, headers, body }: Refusal,
    reason: keyof RefusedHere = "app",
  ): void {
    if (ask.decided) return;
    const told = this.run.core.refuse(ask.id, status, headers, body);
    ask.decided = true;
    // The door has counted those that it gave up on itself.
    if (told) this.run.refusedHere[reason] += 1;
  }
}

function isRequest(asked: AskedUpgrade): asked is Ask {
  return asked.request !== undefined;
}
