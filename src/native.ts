/**
 * The typed face of the native addon. Nothing else in `src/` names the addon's file.
 */

import { ShardcastError } from "./errors";

/** Limits and sizes of the core. Counts unless the name carries a unit. */
export interface CoreOptions {
  numShards: number;
  workersPerShard: number;
  /** Clients per shard. */
  maxClients: number;
  /** Messages a client may fall behind before it is slow. */
  bufferSize: number;
  /** Bytes a client may fall behind before it is slow. */
  bufferBytes: number;
  dropSlowClients: boolean;
  /** Largest inbound message, in bytes. */
  maxPayloadLength: number;
  /** Bytes of `send` that may wait for one client; past it `send` answers 0. */
  backpressureLimit: number;
  /** Seconds of silence after which a client is closed; 0 never closes. */
  idleTimeoutSeconds: number;
  /** Ping a client before its idle timeout strikes. */
  sendPings: boolean;
  /** Published messages that may wait in one worker's queue. */
  queueMessages: number;
  /** Bytes of published messages that may wait in one worker's queue. */
  queueBytes: number;
  /** Channels one client may be subscribed to. */
  maxChannelsPerClient: number;
}

/** Where the door listens and what it tolerates. */
export interface DoorOptions {
  host: string;
  port: number;
  /** Path of the unix socket on which `Bun.serve` answers plain HTTP. */
  upstream: string;
  headTimeoutMs: number;
  maxHeadBytes: number;
  upgradeTimeoutMs: number;
  maxPendingUpgrades: number;
}

/** What the core tells JavaScript. Drained in batches, in the order in which it happened. */
export type CoreEvent =
  | {
      type: "Upgrade";
      ask: number;
      /** Path and query, as in the request line. */
      url: string;
      /** Name, value, name, value, … as received, names in lower case. */
      headers: string[];
      address: string;
      port: number;
    }
  | { type: "Text"; client: number; data: string }
  | { type: "Binary"; client: number; data: Buffer }
  | { type: "Closed"; client: number; code: number; reason: string }
  | { type: "Skipped"; client: number; messages: number };

/** Counters of one worker since start, and its gauges now. */
export interface WorkerSnapshot {
  shard: number;
  worker: number;
  clients: number;
  messages: number;
  deliveriesMeant: number;
  deliveries: number;
  droppedSlow: number;
  droppedSkipped: number;
  droppedClosed: number;
  droppedQueueFull: number;
  messagesQueueFull: number;
  slowClosed: number;
  bytesWritten: number;
  writes: number;
  messagesReceived: number;
  bytesReceived: number;
  queueMessages: number;
  queueBytes: number;
}

/** A publish as the queues answered it. */
export interface PublishCounts {
  /** Shards of which every interested worker took the message. */
  shards: number;
  /** Workers that dropped it because their queue was full. */
  dropped: number;
}

/** `accept` answers this when the client's shard holds `maxClients` already. */
export const SHARD_FULL = -1;
/** `accept` answers this when the asking client has gone. */
export const ASK_GONE = -2;

/** The native core. One instance a server; every call is made on the JavaScript thread. */
export interface Core {
  /** Opens the door. Returns the port. Throws an Error with `code` EADDRINUSE, EACCES, … */
  listen(options: DoorOptions): number;
  /** No new connections or requests from here on; requests under way are finished. */
  stopListening(): void;
  /**
   * Decides on an upgrade. `headers` is flat name, value, …. Returns a client handle (> 0),
   * SHARD_FULL or ASK_GONE. After SHARD_FULL the ask is still open: answer it with `refuse`.
   */
  accept(ask: number, clientId: string, headers: string[]): number;
  /** Answers an upgrade with an ordinary response. `status` is 200 to 599. */
  refuse(ask: number, status: number, headers: string[], body: Uint8Array): void;
  /** False when already subscribed or closing. Throws when over `maxChannelsPerClient`. */
  subscribe(client: number, channel: string): boolean;
  /** False when not subscribed or closing. */
  unsubscribe(client: number, channel: string): boolean;
  isSubscribed(client: number, channel: string): boolean;
  subscriptions(client: number): string[];
  /** Bytes of payload queued, 0 when dropped, -1 when queued behind backpressure. */
  sendText(client: number, text: string): number;
  /** As `sendText`. */
  sendBinary(client: number, bytes: Uint8Array): number;
  bufferedAmount(client: number): number;
  /** Starts the close handshake. Code 1005 sends a close frame without a code. */
  close(client: number, code: number, reason: string): void;
  terminate(client: number): void;
  /** Returns `shards | dropped << 16`. `except` is a client that must not get it, 0 for none. */
  publishText(channel: string, text: string, except: number): number;
  /** As `publishText`. */
  publishBinary(channel: string, bytes: Uint8Array, except: number): number;
  subscriberCount(channel: string): number;
  /** Fullness of the fullest queue, 0 to 1. */
  queueLoad(): number;
  /** Up to `max` events; when it returns fewer than `max`, the bell was re-armed. */
  drain(max: number): CoreEvent[];
  /** Clients not yet reported Closed. */
  clientCount(): number;
  /** Delivers what is queued, then closes every client with this code, spread over `spreadMs`. */
  closeAll(code: number, reason: string, spreadMs: number): void;
  workers(): WorkerSnapshot[];
  /** Ends all threads and joins them. Idempotent. */
  stop(): void;
}

/** What the addon exports. */
export interface NativeModule {
  /** Starts the worker threads. `doorbell` is called when events wait and the bell is armed. */
  Core: new (
    options: CoreOptions,
    doorbell: () => void,
  ) => Core;
  /** The 32-bit FNV-1a hash of `id` in UTF-8, as used for placement. */
  fnv1a(id: string): number;
  /** Raises the soft limit of open files to the hard one; returns the limit now in force. */
  raiseFileLimit(): number;
}

/** Loads the addon, on first use, so that `useSharding: false` runs without it. */
export function loadNative(): NativeModule {
  try {
    return require("../native/index.js") as NativeModule;
  } catch (cause) {
    throw new ShardcastError(
      "NATIVE_MISSING",
      "the native addon cannot be loaded: build it with `bun run build` and a Rust toolchain",
      { cause },
    );
  }
}

/** Unpacks what `publishText` and `publishBinary` return. */
export function decodePublish(packed: number): PublishCounts {
  return { shards: packed & 0xffff, dropped: packed >>> 16 };
}
