/** How often and how long to look. */
export interface PollOptions {
  everyMs: number;
  /** Gives up after this time. Default: never. */
  timeoutMs?: number;
}

/**
 * Resolves once `condition` holds, for what can be asked but does not report by itself.
 *
 * @returns whether it holds; false after `timeoutMs`
 */
export async function pollUntil(
  condition: () => boolean,
  { everyMs, timeoutMs = Number.POSITIVE_INFINITY }: PollOptions,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await Bun.sleep(Math.min(everyMs, leftMs));
  }
  return true;
}

/** The longest that a timer can be set to: some 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves when `promise` does, or after `timeoutMs`, whichever is first. */
export async function atMost(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: Timer | undefined;
  const timeout = new Promise((resolve) => {
    // A longer timer would fire at once.
    timer = setTimeout(resolve, Math.min(timeoutMs, MAX_TIMER_MS));
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
