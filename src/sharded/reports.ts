/** How single clients stand: questions to the workers, which answer later. */

import type { CoreEvent, DeliveryCounts, DroppedMessages } from "./native";

export type { DeliveryCounts, DroppedMessages };

/** A client that takes less than it is sent. */
export interface SlowClient {
  /** The id by which it was placed. */
  id: string;
  shard: number;
  /** Counted within the shard. */
  worker: number;
  /** IP address. */
  address: string;
  /** Published messages that wait for it. Unknown without sharding. */
  lagMessages?: number;
  /** Bytes that wait for it: of published messages; without sharding, of all. */
  lagBytes: number;
  /** Messages expected to reach it, and what became of them. Unknown without sharding. */
  deliveryCounts?: DeliveryCounts;
}

/** Two counts of the same deliveries. A difference between them is a bug in shardcast. */
export interface Reconciliation {
  /** The sum of the delivery counts of all clients, past ones too. */
  clients: DeliveryCounts;
  /** What the workers of all shards have counted. */
  shards: DeliveryCounts;
}

export const DEFAULT_TOP = 10;
/** More slow clients than this are of no use to whoever asks. */
const MAX_TOP = 10_000;

/** Refuses what is no number of slow clients to ask for. */
export function checkTop(top: number): void {
  if (Number.isInteger(top) && top >= 0 && top <= MAX_TOP) return;
  throw new RangeError(`top must be a whole number from 0 to ${MAX_TOP}, not ${top}`);
}

type ReportEvent = Extract<CoreEvent, { type: "Report" }>;

/** The questions that were not answered yet. */
export class Reports {
  readonly #waiting = new Map<number, (report: ReportEvent | undefined) => void>();

  /**
   * Waits for the answer to a question.
   *
   * @param asked what the core returned when it was asked
   * @returns the answer; nothing when the core has ended before it could be given
   */
  answerTo(asked: number): Promise<ReportEvent | undefined> {
    return new Promise((resolve) => this.#waiting.set(asked, resolve));
  }

  /** Passes an answer on. */
  answer(report: ReportEvent): void {
    this.#waiting.get(report.asked)?.(report);
    this.#waiting.delete(report.asked);
  }

  /** Ends all waiting: nobody will answer any more. */
  abandonAll(): void {
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }
}
