import type { ServerWebSocket } from "bun";

import type { ResolvedConfig } from "../config/config";
import type { Logger } from "../logging/logger";
import { bytesIn } from "../payload";
import { pause } from "../process/wait";
import type { SocketHandlers } from "../sharded/clients/clients";
import { truncateId } from "../sharded/clients/truncate-id";
import {
  CLOSE_ABNORMAL,
  CLOSE_INVALID_DATA,
  CLOSE_PROTOCOL_ERROR,
  CLOSE_TOO_BIG,
} from "../sharded/constants";
import { noCounters, type ShardCounters } from "../stats/stats";

/** Least time between two groups of clients that a shutdown closes. */
const CLOSE_STEP_MS = 5;
/** Close code for a client whose `clientId` throws. */
const INTERNAL_ERROR = 1011;
/** Close codes with which Bun ends a client that breaks the protocol or its limits. */
const VIOLATIONS = [CLOSE_PROTOCOL_ERROR, CLOSE_INVALID_DATA, CLOSE_TOO_BIG];

/** The open sockets, and the ids of their clients. */
export type BunSockets = Map<ServerWebSocket<unknown>, string>;

/** What the clients need of their broadcaster. */
export interface BunClientsHost {
  readonly config: Pick<ResolvedConfig, "clientId">;
  readonly state: string;
  readonly logger: Logger;
}

/** The clients of Bun's servers, and what is counted of them. */
export class BunClients {
  sockets: BunSockets = new Map();
  /** Bun sends from one thread: in the terms of shards, one shard with one worker. */
  counters: ShardCounters = { ...noCounters(), workers: 1 };

  constructor(private readonly host: BunClientsHost) {}

  /** Wraps a server's handlers, so that its clients are known here. */
  watched(handlers: SocketHandlers): SocketHandlers {
    const { logger } = this.host;
    return {
      ...handlers,
      open: (ws) => {
        const client = this.#nameOrRefuse(ws);
        if (client === undefined) return;
        this.sockets.set(ws, client);
        logger.debug({ client: truncateId(client), shard: 0 }, "a client has connected");
        return handlers.open?.(ws);
      },
      message: (ws, message) => {
        this.counters.messages_received += 1;
        this.counters.bytes_received += bytesIn(message);
        return handlers.message?.(ws, message);
      },
      close: (ws, code, reason) => {
        const client = this.sockets.get(ws);
        // It was refused, before its `open`.
        if (client === undefined) return;
        this.sockets.delete(ws);
        this.#countClosed(code);
        logger.debug({ client: truncateId(client), shard: 0, code, reason }, "a client has left");
        return handlers.close?.(ws, code, reason);
      },
    };
  }

  /** Those whose socket has bytes that it could not send yet. */
  slow(): ServerWebSocket<unknown>[] {
    return [...this.sockets.keys()].filter((ws) => ws.getBufferedAmount() > 0);
  }

  /** Counters since the start and gauges now. */
  counted(): ShardCounters {
    const clients = this.sockets.size;
    const slow_clients = this.slow().length;
    const worker = { queue_messages: 0, queue_bytes: 0, saturated: false, saturations: 0 };
    const per_worker = [{ clients, ...worker, busy_seconds: 0, failures: 0 }];
    return { ...this.counters, clients, slow_clients, per_worker };
  }

  /** Closes the clients of now, evenly over `spreadMs`. */
  async closeAll(code: number, reason: string, spreadMs: number): Promise<void> {
    const clients = [...this.sockets.keys()];
    const groups = Math.max(1, Math.min(clients.length, Math.floor(spreadMs / CLOSE_STEP_MS)));
    for (let group = 0; group < groups; group += 1) {
      if (group > 0) await pause(spreadMs / groups);
      const [from, to] = [group, group + 1].map((part) => (clients.length * part) / groups);
      for (const client of clients.slice(from, to)) client.close(code, reason);
    }
  }

  /** Bun reports only the code, which says who has closed and why as far as it goes. */
  #countClosed(code: number): void {
    if (this.host.state === "draining") this.counters.closed_by_app += 1;
    else if (code === CLOSE_ABNORMAL) this.counters.closed_broken += 1;
    else if (VIOLATIONS.includes(code)) this.counters.closed_violation += 1;
    else this.counters.closed_by_client += 1;
  }

  /** The client's id. Where the app's `clientId` throws, the client cannot stay. */
  #nameOrRefuse(ws: ServerWebSocket<unknown>): string | undefined {
    try {
      return this.#idOf(ws);
    } catch (error) {
      // As `Bun.serve` does with an error in `fetch`. With sharding the app itself answers 500.
      console.error(error);
      ws.close(INTERNAL_ERROR);
      return undefined;
    }
  }

  /** As with sharding. Elysia keeps the request in the socket's data. */
  #idOf(ws: ServerWebSocket<unknown>): string {
    const { request } = (ws.data ?? {}) as { request?: Request };
    const { clientId } = this.host.config;
    return request && clientId ? String(clientId(request)) : crypto.randomUUID();
  }
}
