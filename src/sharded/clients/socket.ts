import type { ServerWebSocket } from "bun";
import type { RateLimitedLog } from "../../logging/rate-limited-log";
import { type MessageData, toBytes, toPayload, toText } from "../../payload";
import { type PublishResult, sendStatus } from "../../publish-result";
import { CLOSE_ABNORMAL, NO_CLIENT } from "../constants";
import type { Core, DeliveryCounts, HotFunctions, MissedMessages } from "../native";
import { checkChannel, toCompress, toControlPayload } from "./arguments";
import { type BinaryType, toBinaryType } from "./binary-message";
import { closeReason, toClose } from "./close-code";
import { truncateId } from "./truncate-id";

/** What a socket needs of its broadcaster. */
export interface SocketHost {
  readonly core: Core;
  readonly calls: HotFunctions;
  readonly log: Pick<RateLimitedLog, "record">;
  /** Whether a socket receives what it publishes itself. */
  readonly publishToSelf: boolean;
  readonly workersPerShard: number;
  /** Publishes to everyone but the client `except`. */
  publishPayload(
    channel: string,
    payload: string | Uint8Array,
    except: number,
    compress: boolean,
  ): PublishResult;
  /** The app has closed a client, with what its `close` handler gets. */
  closed(handle: number, code: number, reason: string): void;
  /** Messages expected to reach a client, and what became of them. */
  deliveryCounts(handle: number): Promise<DeliveryCounts | undefined>;
}

/** The client behind a socket. */
export interface Peer {
  /** The core's handle. Meaningless once the client is closed, when it may name another. */
  handle: number;
  /** What the app calls it. Without that it has the id that the core has given it. */
  id: string | undefined;
  /** IP address. */
  address: string;
  /** Counted over all shards. */
  worker: number;
}

/** What of a socket is hardly ever other than for all others. */
interface SocketState {
  readonly open: boolean;
  readonly paused: boolean;
  readonly binaryType: BinaryType;
  readonly skippedMessages: number;
}

/** Shared by all sockets to which nothing has happened: there are thousands of them. */
const FRESH: SocketState = {
  open: true,
  paused: false,
  binaryType: "nodebuffer",
  skippedMessages: 0,
};

/**
 * One client, with the interface of Bun's `ServerWebSocket`, so that Elysia and the app's handlers
 * work unchanged.
 *
 * It holds an integer handle and no native object. Once closed, from either side, it never calls
 * the core again and answers as Bun's closed socket does.
 */
export class ShardcastSocket<T = unknown> implements ServerWebSocket<T> {
  readonly #host: SocketHost;
  readonly #handle: number;
  /** Made at its first use, unless it is the app's. */
  #id: string | undefined;
  readonly #worker: number;
  readonly remoteAddress: string;
  data: T;

  #state = FRESH;
  /** How many channels it is subscribed to. */
  #channels = 0;

  /** @internal */
  constructor(host: SocketHost, { handle, id, address, worker }: Peer, data: T) {
    this.#host = host;
    this.#handle = handle;
    this.#id = id;
    this.#worker = worker;
    this.remoteAddress = address;
    this.data = data;
  }

  /** The id that decided the client's shard and worker. */
  get id(): string {
    this.#id ??= this.#host.core.givenId(this.#handle);
    return this.#id;
  }

  /** The number of the client's shard. */
  get shard(): number {
    return Math.floor(this.#worker / this.#host.workersPerShard);
  }

  /** The number of the client's worker within the shard. */
  get worker(): number {
    return this.#worker % this.#host.workersPerShard;
  }

  /** Messages that this client skipped because it was too slow, with `dropSlowClients: false`. */
  get skippedMessages(): number {
    return this.#state.skippedMessages;
  }

  /**
   * The client has missed messages. For the registry of clients alone.
   *
   * @internal
   */
  noteSkipped(messages: number): void {
    this.#become({ skippedMessages: this.#state.skippedMessages + messages });
  }

  /** 1 while open, 3 from the first `close` or `terminate` on. As with Bun's, never 0 or 2. */
  get readyState(): 1 | 3 {
    return this.#open ? 1 : 3;
  }

  get #open(): boolean {
    return this.#state.open;
  }

  #become(change: Partial<SocketState>): void {
    this.#state = { ...this.#state, ...change };
  }

  /**
   * The client is gone. For the registry of clients alone.
   *
   * @internal
   */
  markClosed(): void {
    if (this.#open) this.#become({ open: false });
  }

  /**
   * @param compress compresses the message if the client accepts that. Default: false
   * @returns accepted bytes of payload; -1 if the message was accepted and waits, because the
   *   socket is full or cannot take so much at once; 0 if it was dropped, because the client is
   *   closed or more than `backpressureLimit` already waits, which only happens after -1. `drain`
   *   follows -1 and 0
   */
  send(data: MessageData, compress = false): number {
    if (!this.#open) return 0;
    return this.#send(toPayload(data, "send"), toCompress(compress, "send"));
  }

  sendText(data: string, compress = false): number {
    if (!this.#open) return 0;
    return this.#send(toText(data, "sendText"), toCompress(compress, "sendText"));
  }

  sendBinary(data: Exclude<MessageData, string>, compress = false): number {
    if (!this.#open) return 0;
    return this.#send(toBytes(data, "sendBinary"), toCompress(compress, "sendBinary"));
  }

  #send(payload: string | Uint8Array, compress: boolean): number {
    const { calls } = this.#host;
    return typeof payload === "string"
      ? calls.sendText(this.#handle, payload, compress)
      : calls.sendBinary(this.#handle, payload, compress);
  }

  /**
   * Publishes to all subscribers except this client. Also works after it has closed, so that, as
   * with Bun, a `close` handler can notify the others. Returns the same as `server.publish`.
   *
   * @param compress as for `send`; `server.publish` has another default
   */
  publish(channel: string, data: MessageData, compress = false): number {
    return this.#publish(channel, toPayload(data, "publish"), toCompress(compress, "publish"));
  }

  publishText(channel: string, data: string, compress = false): number {
    return this.#publish(channel, toText(data, "publishText"), toCompress(compress, "publishText"));
  }

  publishBinary(channel: string, data: Exclude<MessageData, string>, compress = false): number {
    const payload = toBytes(data, "publishBinary");
    return this.#publish(channel, payload, toCompress(compress, "publishBinary"));
  }

  #publish(channel: string, payload: string | Uint8Array, compress: boolean): number {
    checkChannel(channel, "publish");
    // The handle of a closed client may name another.
    const except = this.#host.publishToSelf || !this.#open ? NO_CLIENT : this.#handle;
    const result = this.#host.publishPayload(channel, payload, except, compress);
    return sendStatus(result, payload);
  }

  /**
   * @returns whether the client is subscribed now; false only when it is closed
   * @throws if the client would have more than `maxChannelsPerClient` channels
   */
  subscribe(channel: string): boolean {
    if (!this.#open) return false;
    checkChannel(channel, "subscribe");
    const { core } = this.#host;
    if (!this.#subscribe(channel)) return core.isSubscribed(this.#handle, channel);
    this.#channels += 1;
    return true;
  }

  #subscribe(channel: string): boolean {
    const { calls, log } = this.#host;
    try {
      return calls.subscribe(this.#handle, channel);
    } catch (error) {
      // What a handler of a route throws goes to Elysia's error hooks alone.
      log.record("tooManyChannels", { client: truncateId(this.id) });
      throw error;
    }
  }

  /** @returns whether the client was subscribed until now */
  unsubscribe(channel: string): boolean {
    if (!this.#open) return false;
    checkChannel(channel, "unsubscribe");
    if (!this.#host.core.unsubscribe(this.#handle, channel)) return false;
    this.#channels -= 1;
    return true;
  }

  isSubscribed(channel: string): boolean {
    if (!this.#open) return false;
    checkChannel(channel, "isSubscribed");
    return this.#host.core.isSubscribed(this.#handle, channel);
  }

  /** Elysia reads it whenever it runs a handler, mostly before the client has any channel. */
  get subscriptions(): string[] {
    if (!this.#open || this.#channels === 0) return [];
    return this.#host.core.subscriptions(this.#handle);
  }

  /**
   * Runs `callback` at once, with this socket as its `this` and its argument. The core batches
   * writes by itself.
   */
  cork<R = unknown>(callback: (ws: ServerWebSocket<T>) => R): R {
    if (typeof callback !== "function") {
      throw new TypeError(`cork requires a function, not ${typeof callback}`);
    }
    return callback.call(this, this);
  }

  /**
   * Closes with a handshake, after what was sent before. As with Bun, the `close` handler has run
   * when this returns.
   *
   * @param code one that the standard allows from 1000 to 1014, or 3000 to 4999; 0, 1005 and 1006
   *   send a close frame without a code. Any other number is sent as well, and is an error for the
   *   client
   * @param reason cut to 123 bytes of UTF-8, between characters
   */
  close(code = 1000, reason = ""): void {
    if (!this.#open) return;
    const { sent, reported } = toClose(code);
    const text = closeReason(reason);
    // Making the text of a reason may run code of the app's.
    if (!this.#open) return;
    this.#become({ open: false });
    this.#host.core.close(this.#handle, sent, text);
    this.#host.closed(this.#handle, reported, text);
  }

  /**
   * Drops the connection without a close frame. Of what was sent before, it still writes as much as
   * the socket accepts at once. As with `close`, the `close` handler has run, here with code 1006.
   */
  terminate(): void {
    if (!this.#open) return;
    this.#become({ open: false });
    this.#host.core.terminate(this.#handle);
    this.#host.closed(this.#handle, CLOSE_ABNORMAL, "");
  }

  /**
   * Bytes that `send`, `ping` and `pong` have accepted and the socket has not, including those that
   * the worker has not tried to write yet. After an amount above 0, `drain` runs when it is 0.
   */
  getBufferedAmount(): number {
    return this.#open ? this.#host.core.bufferedAmount(this.#handle) : 0;
  }

  /**
   * The client's delivery counts: messages expected, delivered, dropped and pending. Undefined
   * after it has closed.
   */
  async deliveryCounts(): Promise<DeliveryCounts | undefined> {
    return this.#open ? this.#host.deliveryCounts(this.#handle) : undefined;
  }

  get binaryType(): BinaryType {
    return this.#state.binaryType;
  }

  set binaryType(type: BinaryType) {
    this.#become({ binaryType: toBinaryType(type) });
  }

  get isPaused(): boolean {
    return this.#open && this.#state.paused;
  }

  /**
   * Sends a ping, which the client answers with a pong.
   *
   * @param data at most 125 bytes, which the client's pong repeats
   * @returns as `send`
   */
  ping(data: MessageData = ""): number {
    if (!this.#open) return 0;
    return this.#host.core.ping(this.#handle, toControlPayload(data, "ping"));
  }

  /** Sends an unsolicited pong. See `ping`. */
  pong(data: MessageData = ""): number {
    if (!this.#open) return 0;
    return this.#host.core.pong(this.#handle, toControlPayload(data, "pong"));
  }

  /** Stops reading from the client, and stops its idle timeout. Sending still works. */
  pause(): void {
    this.#pause(true);
  }

  /** Reads from the client again. */
  resume(): void {
    this.#pause(false);
  }

  #pause(paused: boolean): void {
    if (!this.#open || this.#state.paused === paused) return;
    this.#become({ paused });
    this.#host.core.pause(this.#handle, paused);
  }
}

/** Called with the messages that a slow client has missed since the last call, by channel. */
export type SkipListener = (ws: ShardcastSocket, missed: MissedMessages[]) => void;
