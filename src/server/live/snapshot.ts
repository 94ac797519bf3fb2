/**
 * The message that `/live` sends once a second. Types alone, by which the page's scripts are
 * checked.
 */

/** A worker now, and since the last look. */
export interface WorkerSnapshot {
  clients: number;
  /** Part of the time that its thread was awake, from 0 to 1; null before anything was measured. */
  busy: number | null;
  /** Messages in its queue. */
  queue: number;
  /** How full its queue is, by messages or by bytes, from 0 to 1. */
  fill: number;
  saturated: boolean;
  /** Messages wait in its queue, as at the last look, and it has not finished a turn since. */
  stuck: boolean;
}

export interface ShardSnapshot {
  clients: number;
  /** Clients that it may have. */
  limit: number;
  workers: WorkerSnapshot[];
}

/** A channel that has subscribers. */
export interface ChannelSnapshot {
  channel: string;
  subscribers: number;
  perSecond: number | null;
}

/** A client whose socket refuses bytes. */
export interface SlowClientSnapshot {
  id: string;
  shard: number;
  worker: number;
  /** Unknown without sharding. */
  lagMessages?: number;
  lagBytes: number;
}

/** A client that the server has disconnected by itself. */
export interface DepartureSnapshot {
  id: string;
  address: string;
  shard: number;
  worker: number;
  reason: "slow" | "idle" | "violation" | "unfinished" | "failed";
  code: number;
  /** The close reason. */
  detail: string;
  /** What waited for it; unknown when its worker has failed. */
  lagMessages?: number;
  lagBytes?: number;
  /** Milliseconds since 1970. */
  at: number;
}

/** An alert rule that holds. */
export interface ProblemSnapshot {
  /** The rule's. */
  name: string;
  /** `page`: look at once. `ticket`: there is time. */
  severity: "page" | "ticket";
  summary: string;
  /** The rule's figure, for people. */
  figure: string;
}

/** The verdict of the alert rules. */
export interface VerdictSnapshot {
  /** Time over which they look back: what was watched of the last five minutes. */
  seconds: number;
  /** The worst first; none when all is well. */
  problems: ProblemSnapshot[];
}

/** Deliveries dropped, by reason. */
export interface DroppedSnapshot {
  slow: number;
  skipped: number;
  closed: number;
  queueFull: number;
}

/** Rates are of the time since the last look, and null while that is too short. */
export interface Snapshot {
  /** Milliseconds since 1970. */
  at: number;
  /** False on Bun's own publish, where much is unknown: null or empty. */
  sharded: boolean;
  clients: number;
  messagesPerSecond: number | null;
  deliveriesPerSecond: number | null;
  /** Bytes written to sockets, these snapshots and frame headers included. */
  bytesPerSecond: number | null;
  /** From publish to the end of the pass that carried the message; null without messages. */
  p50Ms: number | null;
  p99Ms: number | null;
  /** Since the start. */
  dropped: DroppedSnapshot | null;
  droppedPerSecond: number | null;
  /** Null without sharding, where the rules have no figures. */
  verdict: VerdictSnapshot | null;
  shards: ShardSnapshot[];
  /** Workers of shards that are left out because a page cannot show so many. */
  workersLeftOut: number;
  /** Workers that are stuck, those left out included. */
  workersStuck: number;
  /** The busiest. */
  channels: ChannelSnapshot[];
  /** All channels that have subscribers. */
  channelsTotal: number;
  /** Clients that are subscribed, each once for each of its channels. */
  subscriptionsTotal: number;
  /** The last clients that the server has disconnected by itself, newest first. */
  departures: DepartureSnapshot[];
  /** How many it has disconnected since the start. */
  departuresTotal: number;
  slow: SlowClientSnapshot[];
  /** When `slow` was true, in milliseconds since 1970: a worker may be late with its answer. */
  slowAt: number | null;
}

/** A snapshot, and what does not change. */
export interface LiveMessage extends Snapshot {
  /** What the server is, in a line. */
  about: string;
  /** Channels that have a source. */
  sources: readonly string[];
}
