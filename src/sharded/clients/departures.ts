/** Clients that the server has disconnected by itself: who, why, and how far they lagged. */

import { DISCONNECT_CAUSES } from "../constants";
import type { CoreEvent, DisconnectCause } from "../native";
import type { ShardcastSocket } from "./socket";
import { truncateId } from "./truncate-id";

/**
 * Why the server disconnects a client by itself: it was too slow, or silent for too long, it broke
 * the protocol or one of its limits, it did not complete a message, or its worker has failed.
 */
export type DepartureReason = DisconnectCause;

/** Every such reason. */
export const DEPARTURE_REASONS: readonly DepartureReason[] = DISCONNECT_CAUSES;

/** A client that the server has disconnected by itself. */
export interface Departure {
  /** The id by which it was placed. Of a long one, the beginning. */
  id: string;
  shard: number;
  /** Counted within the shard. */
  worker: number;
  /** IP address. */
  address: string;
  reason: DepartureReason;
  /** Close code and reason, as the `close` handler gets them. */
  code: number;
  detail: string;
  /** Messages that waited for it, published and direct. Unknown when its worker has failed. */
  lagMessages?: number;
  /** Their bytes that were still to be written. */
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
