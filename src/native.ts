/**
 * The typed face of the native addon. Nothing else in `src/` names the addon's file.
 */

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
