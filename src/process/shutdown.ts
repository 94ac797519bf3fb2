import { processState } from "./process-state";
import { atMost, Pause } from "./wait";

const EXIT_CUT_SHORT = 1;
/**
 * A signal this soon after the first is the same one. Ctrl-C in a terminal reaches the server
 * twice: from the terminal, and passed on by `bun run`.
 */
const SAME_SIGNAL_MS = 250;
/** A terminal that is closed sends SIGHUP. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** What `endOnSignals` shuts down: a broadcaster, or anything else with a `shutdown`. */
export interface EndOnSignalsOptions {
  /** Shuts down in order. */
  shutdown(): Promise<void>;
  /**
   * After this time the process ends even if `shutdown` has not. Default: no limit. That of a
   * broadcaster takes at most `drainTimeoutMs`.
   */
  timeoutMs?: number;
}

/** All that end at a signal. Signals have handlers once there is one. */
const endings = processState("endings", () => new Set<EndOnSignalsOptions>());

/**
 * Ends the process on SIGTERM, SIGINT and SIGHUP: in order and with code 0, or at once and with
 * code 1 after a second signal, after `timeoutMs`, or if `shutdown` fails. Without this function, a
 * signal ends the process at once, and its clients see code 1006.
 *
 * Several calls shut down several things at the same time.
 *
 * @example
 * ```ts
 * const adapter = shardcast();
 * new Elysia({ adapter }).ws("/stream", {}).listen(3000);
 * endOnSignals(adapter.broadcaster);
 * ```
 */
export function endOnSignals(options: EndOnSignalsOptions): void {
  const isFirst = endings.size === 0;
  endings.add(options);
  if (!isFirst) return;
  const end = endOnce();
  for (const signal of SIGNALS) process.on(signal, end);
}

/** What a signal does. It ends all the first time, and the process at once after that. */
function endOnce(): () => Promise<void> {
  let isSame: boolean | undefined;
  return async () => {
    if (isSame === false) process.exit(EXIT_CUT_SHORT);
    if (isSame) return;
    isSame = true;
    void new Pause(SAME_SIGNAL_MS).over.then(() => {
      isSame = false;
    });
    try {
      await Promise.all([...endings].map(shutDown));
    } catch (error) {
      console.error(error);
      process.exit(EXIT_CUT_SHORT);
    }
    process.exit(0);
  };
}

async function shutDown(ending: EndOnSignalsOptions): Promise<void> {
  let isOver = false;
  const shutdown = ending.shutdown().then(() => {
    isOver = true;
  });
  await atMost(shutdown, ending.timeoutMs ?? Number.POSITIVE_INFINITY);
  if (isOver) return;
  console.error("shardcast: the shutdown took too long and was cut short");
  process.exit(EXIT_CUT_SHORT);
}
