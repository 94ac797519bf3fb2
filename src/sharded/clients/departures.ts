/** Clients that the server itself disconnected: which, why, and how far they lagged. */

import { DISCONNECT_CAUSES } from "../constants";
import type { CoreEvent, DisconnectCause } from "../native";
import type { ShardcastSocket } from "./socket";
import { truncateId } from "./truncate-id";

/**
 * Why the server itself disconnected a client: it was too slow or silent for too long, it broke the
 * protocol or a limit, it did not complete a message, or its worker failed.
 */
export type DepartureReason = DisconnectCause;

/** Every such reason. */
export const DEPARTURE_REASONS: readonly DepartureReason[] = DISCONNECT_CAUSES;

/** A client that the server itself disconnected. */
export interface Departure {
  /** The id that decided its shard and worker; of a long id, the beginning. */
  id: string;
  shard: number;
  /** Counted within the shard. */
  worker: number;
  /** IP address. */
  address: string;
  reason: DepartureReason;
  /** Close code and reason that the `close` handler got. */
  code: number;
  detail: string;
  /** Messages that waited for it, published and direct. Unknown if its worker failed. */
  lagMessages?: number;
  /** Bytes of these messages that were not written yet. */
  lagBytes?: number;
  at: Date;
}

/** Departures that are kept. */
export const MAX_DEPARTURES = 100;

type ClosedEvent = Extract<CoreEvent, { type: "Closed" }>;

/** The last departures, and no others: what is kept has a limit, however many leave. */
export class Departures {
  /** Oldest first. */
  readonly #last: Departure[] = [];

  /** Keeps a departure, if the server has disconnected the client by itself. */
  note(socket: ShardcastSocket, { code, reason: detail, disconnect }: ClosedEvent): void {
    if (!disconnect) return;
    const { cause: reason, lagMessages, lagBytes } = disconnect;
    const { shard, worker, remoteAddress: address } = socket;
    this.#last.push({
      ...{
        id: truncateId(socket.id),
        shard,
        worker,
        address,
        reason,
        code,
        detail,
        at: new Date(),
      },
      ...(lagMessages !== undefined && { lagMessages }),
      ...(lagBytes !== undefined && { lagBytes }),
    });
    if (this.#last.length > MAX_DEPARTURES) this.#last.shift();
  }

  /** The newest, newest first. */
  latest(top: number): Departure[] {
    return top === 0 ? [] : this.#last.slice(-top).reverse();
  }
}
