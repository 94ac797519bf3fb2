import type { Broadcaster, PublishResult, ShutdownOptions } from "./broadcaster";
import { GOING_AWAY } from "./broadcaster";
import type { Clients } from "./clients";
import type { ResolvedConfig } from "./config";
import { EventPump } from "./event-pump";
import {
  type Core,
  type CoreEvent,
  type CoreOptions,
  type DoorOptions,
  decodePublish,
  loadNative,
} from "./native";
import { type MessageData, toPayload } from "./payload";
import { checkChannel, type SocketHost } from "./socket";
import { type ShardStats, shardStats, sumByShard } from "./stats";
import { atMost, pollUntil } from "./wait";
import { Warning } from "./warning";

/** Fullness of a queue below which a waiting source goes on. */
const LOW_WATER = 0.5;
/** How often a waiting source looks at the queues. A full queue drains in tens of milliseconds. */
const LOAD_POLL_MS = 2;
/** How often a stop looks whether the HTTP requests under way are answered. */
const QUIET_POLL_MS = 5;

type UpgradeEvent = Extract<CoreEvent, { type: "Upgrade" }>;

/**
 * What stands behind the door: the Elysia app, which decides on upgrades and answers plain HTTP.
 */
export interface House {
  /** Decides on an upgrade. Never throws. */
  decide(event: UpgradeEvent): void;
  /** HTTP requests and upgrades that are not answered yet. */
  pending(): number;
  /** Ends plain HTTP at once. */
  close(): void;
}

/** The native broadcaster: sockets, queues and fan-out on Rust threads, one core a broadcaster. */
export class ShardedBroadcaster implements Broadcaster, SocketHost {
  readonly core: Core;
  readonly #pump: EventPump;
  #house: House | undefined;
  #phase: "open" | "closing" | "ended" = "open";
  #shutdown: Promise<void> | undefined;
  readonly #queueFull = new Warning(
    (drops) => `shardcast: worker queues are full, ${drops} publishes were dropped by a worker`,
  );

  /** Starts the worker threads. Nobody can connect before `listen`. */
  constructor(
    private readonly config: ResolvedConfig,
    private readonly clients: Clients,
  ) {
    const { Core } = loadNative();
    this.core = new Core(coreOptions(config), () => this.#pump.ring());
    this.#pump = new EventPump(this.core, (event) => this.#handle(event));
  }

  /**
   * Opens the door.
   *
   * @returns the port, which differs from the one asked for when that was 0
   * @throws with the system's `code`, such as `EADDRINUSE`
   */
  listen(door: Pick<DoorOptions, "host" | "port" | "upstream">, house: House): number {
    this.#house = house;
    const { headTimeoutMs, maxHeadBytes, upgradeTimeoutMs, maxPendingUpgrades } = this.config;
    return this.core.listen({
      ...door,
      headTimeoutMs,
      maxHeadBytes,
      upgradeTimeoutMs,
      maxPendingUpgrades,
    });
  }

  /** False once it is to end: whoever still asks for a WebSocket is to be refused. */
  get isOpen(): boolean {
    return this.#phase === "open";
  }

  publish(channel: string, data: MessageData): PublishResult {
    return this.publishPayload(channel, toPayload(data, "publish"), 0);
  }

  /** As `publish`, to everyone but the client `except`; 0 is nobody. */
  publishPayload(channel: string, payload: string | Uint8Array, except: number): PublishResult {
    checkChannel(channel, "publish");
    if (this.#phase === "ended") return { shards: 0, dropped: 0 };
    const result = decodePublish(
      typeof payload === "string"
        ? this.core.publishText(channel, payload, except)
        : this.core.publishBinary(channel, payload, except),
    );
    if (result.dropped > 0) this.#queueFull.strike(result.dropped);
    return result;
  }

  subscriberCount(channel: string): number {
    return this.#phase === "ended" ? 0 : this.core.subscriberCount(channel);
  }

  stats(): ShardStats {
    return shardStats(sumByShard(this.core.workers(), this.config.numShards));
  }

  queueLoad(): number {
    return this.#phase === "ended" ? 0 : this.core.queueLoad();
  }

  async writable(): Promise<void> {
    await pollUntil(() => this.queueLoad() < LOW_WATER, { everyMs: LOAD_POLL_MS });
  }

  /**
   * Accepts no one from here on, and ends once all clients and requests have left by themselves.
   */
  async retire(): Promise<void> {
    if (this.#phase === "ended") return;
    this.#phase = "closing";
    this.core.stopListening();
    await this.#quiet();
    this.end();
  }

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#shutdown ??= this.#close(options);
    return this.#shutdown;
  }

  async #close(options: ShutdownOptions): Promise<void> {
    if (this.#phase === "ended") return;
    const { code = GOING_AWAY, reason = "" } = options;
    const { spreadMs = this.config.drainSpreadMs, timeoutMs = this.config.drainTimeoutMs } =
      options;
    this.#phase = "closing";
    this.core.stopListening();
    this.core.closeAll(code, reason, spreadMs);
    await atMost(this.#quiet(), timeoutMs);
    this.end();
  }

  /**
   * Resolves once no client's socket and no HTTP request is left, or everything has ended. A client
   * whose close was told may still be in its closing handshake.
   */
  async #quiet(): Promise<void> {
    const pending = () => this.core.clientCount() + (this.#house?.pending() ?? 0);
    await pollUntil(() => this.#phase === "ended" || pending() === 0, { everyMs: QUIET_POLL_MS });
  }

  /** Ends everything at once. The core first: its door still needs what answers plain HTTP. */
  end(): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.core.stop();
    this.#pump.end();
    this.clients.abandonAll();
    this.#house?.close();
  }

  #handle(event: CoreEvent): void {
    if (event.type !== "Upgrade") this.clients.dispatch(event);
    else if (this.#phase !== "ended") this.#house?.decide(event);
  }
}

function coreOptions(config: ResolvedConfig): CoreOptions {
  return {
    numShards: config.numShards,
    workersPerShard: config.workersPerShard,
    maxClients: config.maxClients,
    bufferSize: config.bufferSize,
    bufferBytes: config.bufferBytes,
    dropSlowClients: config.dropSlowClients,
    maxPayloadLength: config.maxPayloadLength,
    // 0 is no limit, as with Bun.
    backpressureLimit: config.backpressureLimit || Number.MAX_SAFE_INTEGER,
    idleTimeoutSeconds: config.idleTimeout,
    sendPings: config.sendPings,
    queueMessages: config.queueMessages,
    queueBytes: config.queueBytes,
    maxChannelsPerClient: config.maxChannelsPerClient,
  };
}
