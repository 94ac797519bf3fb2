import type { WebSocketHandler } from "bun";
import { discardsIn, leftToRoutes } from "../../elysia/routes/discards";
import type { Logger } from "../../logging/logger";
import type { RateLimitedLog } from "../../logging/rate-limited-log";
import { excludeFromFtl } from "../../process/exclude-from-ftl";
import { CLOSE_ABNORMAL, CLOSE_TRY_AGAIN_LATER } from "../constants";
import type { CoreEvent, MissedMessages } from "../native";
import { binaryMessage } from "./binary-message";
import { Departures } from "./departures";
import type { ShardcastSocket, SkipListener } from "./socket";
import { truncateId } from "./truncate-id";

/** Handlers as `Bun.serve` takes them. Elysia's find the route's own handlers in `ws.data`. */
export type SocketHandlers = WebSocketHandler<unknown>;

/** An event about one client, as opposed to a wish to become one. */
export type ClientEvent = Exclude<
  CoreEvent,
  {
    type:
      | "Upgrades"
      | "UpgradeGivenUp"
      | "Report"
      | "PeerDone"
      | "WorkerFailed"
      | "AcceptFailed"
      | "RequestsFailed";
  }
>;

/** What the clients need of their run. */
export interface ClientsParts {
  handlers: SocketHandlers;
  onSkip: SkipListener | undefined;
  logger: Logger;
  log: RateLimitedLog;
  /** Has the core discard these kinds of a client's frames, and no others. */
  discard: (client: number, kinds: number) => void;
  /** Answers a ping that the core has left to us. */
  answerPing: (client: number, payload: Buffer) => void;
}

/**
 * The clients that JavaScript knows, by the core's handle, and the way from an event to their
 * handlers.
 *
 * A handle is known from `admit` to its `Closed` event, or until the app closes the client itself;
 * `close` handlers run exactly once for each.
 */
export class Clients {
  readonly #sockets = new Map<number, ShardcastSocket>();
  readonly departures = new Departures();
  /** Whether each new client is a line of the log. */
  #logsArrivals = true;
  /** Clients whose `close` handlers run just now: of two, one runs within the other. */
  #closing = 0;

  readonly #parts: ClientsParts;
  #handlers: SocketHandlers;
  /** Kinds of frames that the core may discard where the route has no handler for them. */
  #mayDiscard: number;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
    this.#handlers = parts.handlers;
    this.#mayDiscard = leftToRoutes(parts.handlers);
    excludeFromFtl(this.admit, this.discardsFor);
  }

  /** Replaced when the server is reloaded. Open sockets get the new handlers, as with Bun. */
  get handlers(): SocketHandlers {
    return this.#handlers;
  }

  set handlers(handlers: SocketHandlers) {
    const before = this.#mayDiscard;
    this.#handlers = handlers;
    this.#mayDiscard = leftToRoutes(handlers);
    if (this.#mayDiscard === before) return;
    for (const [handle, { data }] of this.#sockets) {
      this.#parts.discard(handle, this.discardsFor(data));
    }
  }

  /** The kinds of a client's frames that have no handler, by its `ws.data`. */
  discardsFor(data: unknown): number {
    return discardsIn(data) & this.#mayDiscard;
  }

  /** Reads the level once for all clients that come together. Called before they come. */
  readLogLevel(): void {
    this.#logsArrivals = this.#logsDebug;
  }

  /** The socket behind a handle, while it is open. */
  get(handle: number): ShardcastSocket | undefined {
    return this.#sockets.get(handle);
  }

  /** A client counts until its `close` handler has returned, as with Bun. */
  get count(): number {
    return this.#sockets.size + this.#closing;
  }

  /** Takes a new client in and runs its `open`. A throw in `open` ends the client, as with Bun. */
  admit(handle: number, socket: ShardcastSocket): void {
    this.#sockets.set(handle, socket);
    if (this.#logsArrivals) this.#logger.debug(whereabouts(socket), "a client has connected");
    // Not by `run`: thousands that come at once leave a function behind each.
    try {
      this.#handlers.open?.(socket);
    } catch (thrown) {
      this.#report(socket, thrown);
      socket.terminate();
    }
  }

  /** Runs the handlers that an event is for. Never throws. */
  dispatch(event: ClientEvent): void {
    const socket = this.#sockets.get(event.client);
    if (!socket) return;
    switch (event.type) {
      case "Text":
        this.#message(socket, event.data);
        break;
      case "Binary":
        this.#message(socket, asDeclared(socket, event.data));
        break;
      case "Ping":
        if (!event.answered) this.#parts.answerPing(event.client, event.data);
        this.#run(socket, () => this.handlers.ping?.(socket, asDeclared(socket, event.data)));
        break;
      case "Pong":
        this.#run(socket, () => this.handlers.pong?.(socket, asDeclared(socket, event.data)));
        break;
      case "Drained":
        this.#run(socket, () => this.handlers.drain?.(socket));
        break;
      case "Skipped":
        this.#skip(socket, event.missed);
        break;
      case "Closed":
        this.departures.note(socket, event);
        if (event.disconnect?.cause === "slow") {
          this.#parts.log.record("slowClient", whereabouts(socket));
        }
        this.#close(event.client, socket, event.code, event.reason);
        break;
    }
  }

  /** The app has closed a client: its `close` handler runs at once. The core's event finds none. */
  closed(handle: number, code: number, reason: string): void {
    const socket = this.#sockets.get(handle);
    if (socket) this.#close(handle, socket, code, reason);
  }

  /** Closes the clients that the core, now ended, has not reported as closed. */
  abandonAll(): void {
    // All first: a `close` handler may well send to the others.
    for (const socket of this.#sockets.values()) socket.markClosed();
    for (const [handle, socket] of this.#sockets) {
      this.#close(handle, socket, CLOSE_ABNORMAL, "");
    }
  }

  /** A message that arrives after `close` or `terminate` is not delivered, as with Bun. */
  #message(socket: ShardcastSocket, message: string | Buffer<ArrayBuffer>): void {
    if (socket.readyState !== 1) return;
    this.#run(socket, () => this.handlers.message?.(socket, message));
  }

  #skip(socket: ShardcastSocket, missed: MissedMessages[]): void {
    for (const { messages } of missed) socket.noteSkipped(messages);
    this.#callOnSkip(socket, missed);
    this.#logger.info({ ...whereabouts(socket), missed }, "a slow client has missed messages");
  }

  /**
   * What the listener throws or rejects with is its own affair: slow clients choose when it runs.
   */
  #callOnSkip(socket: ShardcastSocket, missed: MissedMessages[]): void {
    const { onSkip, log } = this.#parts;
    const failed = (err: unknown) => log.record("onSkipFailed", { ...whereabouts(socket), err });
    try {
      const answer: unknown = onSkip?.(socket, missed);
      if (answer instanceof Promise) answer.catch(failed);
    } catch (err) {
      failed(err);
    }
  }

  #close(handle: number, socket: ShardcastSocket, code: number, reason: string): void {
    this.#sockets.delete(handle);
    socket.markClosed();
    this.#closing += 1;
    this.#run(socket, () => this.handlers.close?.(socket, code, reason));
    this.#closing -= 1;
    const level = code === CLOSE_TRY_AGAIN_LATER ? "info" : "debug";
    if (level === "debug" && !this.#logsDebug) return;
    this.#logger[level]({ ...whereabouts(socket), code, reason }, "a client has left");
  }

  get #logger(): Logger {
    return this.#parts.logger;
  }

  /** Whether lines at debug level are written: their fields cost, as ids have to be made. */
  get #logsDebug(): boolean {
    return this.#logger.isLevelEnabled?.("debug") ?? true;
  }

  /**
   * Runs a user's handler. What it throws goes to the `error` handler or, as with Bun, becomes an
   * uncaught exception: the events behind this one must not suffer for it.
   */
  #run(socket: ShardcastSocket, handler: () => unknown): void {
    try {
      handler();
    } catch (thrown) {
      this.#report(socket, thrown);
    }
  }

  #report(socket: ShardcastSocket, thrown: unknown): void {
    const { error: onError } = this.handlers;
    try {
      if (onError) onError(thrown as Error, socket);
      else reportError(thrown);
    } catch (again) {
      reportError(again);
    }
  }
}

/**
 * Bytes in the form of the socket's `binaryType`. Bun's types of the handlers know only the default
 * one.
 */
function asDeclared({ binaryType }: ShardcastSocket, data: Buffer): Buffer<ArrayBuffer> {
  return binaryMessage(binaryType, data) as Buffer<ArrayBuffer>;
}

/** A client, for a line of the log. */
function whereabouts({ id, shard }: ShardcastSocket): { client: string; shard: number } {
  return { client: truncateId(id), shard };
}
