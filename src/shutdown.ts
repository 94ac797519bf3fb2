const EXIT_CUT_SHORT = 1;
/**
 * A signal this soon after the first is the same one. Ctrl-C in a terminal reaches the server
 * twice: from the terminal, and passed on by `bun run`.
 */
const SAME_SIGNAL_MS = 250;

/** What a server needs to end well. */
export interface Ending {
  /** Ends in order. */
  shutdown(): Promise<void>;
  /** After this time it ends whether `shutdown` has or not. */
  timeoutMs: number;
}

/**
 * Ends the process on SIGTERM, SIGINT and SIGHUP: in order and with code 0, or at once and with
 * code 1 on a second signal, at the deadline and if `shutdown` fails.
 */
export function endOnSignals({ shutdown, timeoutMs }: Ending): void {
  let endingSince: number | undefined;
  const end = async () => {
    if (endingSince !== undefined) {
      if (performance.now() - endingSince > SAME_SIGNAL_MS) process.exit(EXIT_CUT_SHORT);
      return;
    }
    endingSince = performance.now();
    const deadline = setTimeout(() => {
      console.error("shardcast: the shutdown took too long and was cut short");
      process.exit(EXIT_CUT_SHORT);
    }, timeoutMs);
    try {
      await shutdown();
    } catch (error) {
      console.error(error);
      process.exit(EXIT_CUT_SHORT);
    }
    clearTimeout(deadline);
    process.exit(0);
  };
  // A terminal that is closed sends SIGHUP.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
}
