import type { Server, ServerWebSocket } from "bun";

import type { Broadcaster, PublishResult, ShutdownOptions } from "./broadcaster";
import { GOING_AWAY } from "./broadcaster";
import type { SocketHandlers } from "./clients";
import type { ResolvedConfig } from "./config";
import type { MessageData } from "./payload";
import { checkChannel } from "./socket";
import { noCounters, type ShardStats, shardStats } from "./stats";
import { atMost, pollUntil } from "./wait";

/**
 * Bun sends as it publishes, on the one JavaScript thread: in the terms of shards, there is one.
 */
const THE_ONE_SHARD = 1;
/** How often a shutdown looks whether all have left. */
const QUIET_POLL_MS = 5;

/**
 * Bun's own `publish`, behind the same interface and without the addon.
 *
 * Right for under a thousand clients, and the control in every benchmark. It counts what is
 * published through it, as handed to Bun; what the app gives to `server.publish` itself goes past
 * it. Bun has no limit of clients and no queue, so `maxClients` does not apply and nothing is
 * dropped here: a slow client's own buffer drops, at `backpressureLimit`.
 */
export class OriginalBroadcaster implements Broadcaster {
  readonly #sockets = new Set<ServerWebSocket<unknown>>();
  readonly #counters = { ...noCounters(), workers: 1 };
  #server: Server<unknown> | undefined;
  #shutdown: Promise<void> | undefined;

  constructor(private readonly config: ResolvedConfig) {}

  /** Wraps the handlers of the server-to-be, so that a shutdown knows whom to close. */
  watch(handlers: SocketHandlers): SocketHandlers {
    return {
      ...handlers,
      open: (ws) => {
        this.#sockets.add(ws);
        return handlers.open?.(ws);
      },
      close: (ws, code, reason) => {
        this.#sockets.delete(ws);
        return handlers.close?.(ws, code, reason);
      },
    };
  }

  /** Publishes through this server from here on. */
  attach(server: Server<unknown>): void {
    this.#server = server;
  }

  publish(channel: string, data: MessageData): PublishResult {
    checkChannel(channel, "publish");
    const subscribers = this.subscriberCount(channel);
    this.#counters.messages += 1;
    this.#counters.deliveries_meant += subscribers;
    this.#counters.deliveries += subscribers;
    this.#server?.publish(channel, data);
    return { shards: subscribers > 0 ? THE_ONE_SHARD : 0, dropped: 0 };
  }

  subscriberCount(channel: string): number {
    return this.#server?.subscriberCount(channel) ?? 0;
  }

  stats(): ShardStats {
    return shardStats([{ ...this.#counters, clients: this.#sockets.size }]);
  }

  /** Always 0: there is no queue. */
  queueLoad(): number {
    return 0;
  }

  writable(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#shutdown ??= this.#close(options);
    return this.#shutdown;
  }

  async #close(options: ShutdownOptions): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const { code = GOING_AWAY, reason = "" } = options;
    const { spreadMs = this.config.drainSpreadMs, timeoutMs = this.config.drainTimeoutMs } =
      options;
    void server.stop();
    await atMost(this.#closeAll({ code, reason, spreadMs, timeoutMs }), timeoutMs);
    void server.stop(true);
  }

  /**
   * Closes the clients of now evenly over `spreadMs`, and waits for them and the requests under
   * way.
   */
  async #closeAll(options: Required<ShutdownOptions>): Promise<void> {
    const { code, reason, spreadMs, timeoutMs } = options;
    const clients = [...this.#sockets];
    const start = performance.now();
    for (const [index, client] of clients.entries()) {
      const dueMs = start + (spreadMs * index) / clients.length - performance.now();
      if (dueMs >= 1) await Bun.sleep(dueMs);
      client.close(code, reason);
    }
    const pending = () => this.#sockets.size + (this.#server?.pendingRequests ?? 0);
    await pollUntil(() => pending() === 0, { everyMs: QUIET_POLL_MS, timeoutMs });
  }
}
