import type { RateLimitedLog } from "../logging/rate-limited-log";
import type { WorkerCounters } from "./native";

/** What is read of a worker here. */
type Worker = Pick<WorkerCounters, "shard" | "messagesQueueFull">;

/** Logs full queues, with the shards that had one since the last line. */
export class FullQueues {
  /** `messagesQueueFull` of each worker at the last line. */
  #logged: number[] = [];

  /** @param workers in the same order at every call */
  constructor(
    private readonly workers: () => Worker[],
    private readonly log: Pick<RateLimitedLog, "record">,
  ) {}

  /** @param dropped how many workers dropped a message */
  record(dropped: number): void {
    this.log.record("queueFull", this.#fields, dropped);
  }

  readonly #fields = (): object => {
    const workers = this.workers();
    const full = workers.filter((worker, n) => worker.messagesQueueFull > (this.#logged[n] ?? 0));
    this.#logged = workers.map(({ messagesQueueFull }) => messagesQueueFull);
    return { shards: [...new Set(full.map(({ shard }) => shard))] };
  };
}
