import type { Logger } from "../logging/logger";
import { Warning } from "../logging/warning";
import type { WorkerCounters } from "./native";

/** What is asked of a worker here. */
type Worker = Pick<WorkerCounters, "shard" | "messagesQueueFull">;

/** Warns of full queues, and names the shards that had one since the last warning. */
export class FullQueues {
  readonly #warning = new Warning((dropped) => this.#warn(dropped));
  /** What each worker had not taken when a warning last spoke. */
  #told: number[] = [];

  /** @param workers in the same order at every call */
  constructor(
    private readonly workers: () => Worker[],
    private readonly logger: Logger,
  ) {}

  /** Tells that so many workers dropped a message. */
  strike(dropped: number): void {
    this.#warning.strike(dropped);
  }

  #warn(dropped: number): void {
    const workers = this.workers();
    const full = workers.filter((worker, n) => worker.messagesQueueFull > (this.#told[n] ?? 0));
    this.#told = workers.map(({ messagesQueueFull }) => messagesQueueFull);
    const shards = [...new Set(full.map(({ shard }) => shard))];
    this.logger.warn(
      { dropped, shards },
      `worker queues are full, ${dropped} publishes were dropped by a worker`,
    );
  }
}
