/**
 * Waits that end in real time, whatever an app's tests have done to its clock: fake timers hold
 * those of all modules, and stop `performance.now`.
 */

import { clearTimeout, setTimeout } from "node:timers";

/** The longest that a timer can be set to: some 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Some time, which can be cut short. */
export class Pause {
  /** Resolves after the time, or at `end`. */
  readonly over: Promise<void>;
  readonly #cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #timer: NodeJS.Timeout | undefined;

  /** @param keepsAlive whether the process stays until it is over */
  constructor(ms: number, keepsAlive = true) {
    // No fake clock knows of this one, and no process stays for it: hence the other.
    this.over = this.#expire(Atomics.waitAsync(this.#cell, 0, 0, ms).value);
    if (keepsAlive) this.#timer = setTimeout(() => {}, Math.min(ms, MAX_TIMER_MS));
  }

  async #expire(waited: string | Promise<string>): Promise<void> {
    await waited;
    clearTimeout(this.#timer);
  }

  end(): void {
    Atomics.notify(this.#cell, 0);
    clearTimeout(this.#timer);
  }
}

/** Resolves after `ms`. */
export function pause(ms: number): Promise<void> {
  return new Pause(ms).over;
}

/** How often and how long to look. */
export interface PollOptions {
  everyMs: number;
  /** Gives up after this time. Default: never. */
  timeoutMs?: number;
}

/**
 * Resolves once `condition` holds, for what reports no change by itself.
 *
 * @returns whether it holds; false after `timeoutMs`
 */
export async function pollUntil(
  condition: () => boolean,
  { everyMs, timeoutMs = Number.POSITIVE_INFINITY }: PollOptions,
): Promise<boolean> {
  const deadline = new Pause(timeoutMs);
  let isLate = false;
  void deadline.over.then(() => {
    isLate = true;
  });
  try {
    while (!condition()) {
      if (isLate) return false;
      await Promise.race([pause(everyMs), deadline.over]);
    }
    return true;
  } finally {
    deadline.end();
  }
}

/** Resolves when `promise` does, or after `timeoutMs`, whichever is first. */
export async function atMost(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const timeout = new Pause(timeoutMs);
  try {
    await Promise.race([promise, timeout.over]);
  } finally {
    timeout.end();
  }
}
