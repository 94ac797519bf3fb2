/** Times `GET /healthz`, as a load balancer or a user beside the stream would feel it. */

import { getPriority, setPriority } from "node:os";

const INTERVAL_MS = 10;
/**
 * The load tester is busy on the same core: without this, its turns would count as the server's.
 */
const NICENESS = -10;

export class Probe {
  readonly #timesMs: number[] = [];
  #stopped = false;
  readonly #done: Promise<void>;
  /** What is started later inherits it, and must not. */
  readonly #nicenessBefore = getPriority();

  /** Begins to ask, every 10 ms or as soon as the last one was answered. */
  constructor(port: number) {
    prioritize(NICENESS);
    this.#done = this.#ask(`http://127.0.0.1:${port}/healthz`);
  }

  async #ask(url: string): Promise<void> {
    while (!this.#stopped) {
      const startedAt = performance.now();
      const response = await fetch(url);
      await response.text();
      const tookMs = performance.now() - startedAt;
      this.#timesMs.push(tookMs);
      await Bun.sleep(Math.max(0, INTERVAL_MS - tookMs));
    }
  }

  /** Ends, and gives the time in which 99 of 100 requests were answered, in milliseconds. */
  async p99Ms(): Promise<number> {
    const sorted = (await this.times()).toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
  }

  /** Ends, and gives the time that each request took, in milliseconds. */
  async times(): Promise<readonly number[]> {
    this.#stopped = true;
    await this.#done;
    prioritize(this.#nicenessBefore);
    return this.#timesMs;
  }
}

/** Only root may: without it, the times are too long by some milliseconds. */
function prioritize(niceness: number): void {
  try {
    setPriority(niceness);
  } catch {}
}
