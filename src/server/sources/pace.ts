/** An even rate that does not drift. */

/** A clock to read and to sleep by. Tests bring their own. */
export interface Clock {
  /** Milliseconds, never going back. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** The machine's clock. Its sleep is good to about a millisecond. */
export const MACHINE_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms) => Bun.sleep(ms),
};

/** What is due sooner is due now. */
const MIN_SLEEP_MS = 1;

/** A schedule that is further behind than this skips ahead, rather than flood its subscribers. */
const MAX_BEHIND_MS = 1000;

/**
 * Yields 0, 1, 2, … at `perSecond` a second, each within a millisecond of its time. Every number
 * has its own time since the start, so that delays do not add up; after a delay, those whose time
 * has come follow at once.
 */
export async function* atRate(perSecond: number, clock = MACHINE_CLOCK): AsyncGenerator<number> {
  let startedAt = clock.now();
  for (let n = 0; ; n += 1) {
    const dueAt = startedAt + (n * 1000) / perSecond;
    const behind = clock.now() - dueAt;
    if (behind > MAX_BEHIND_MS) startedAt += behind;
    // A shorter sleep returns at once, again and again.
    while (dueAt - clock.now() >= MIN_SLEEP_MS) await clock.sleep(dueAt - clock.now());
    yield n;
  }
}
