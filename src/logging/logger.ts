import pino from "pino";

/** Writes one line. `fields` have `shard`, `client`, `channel` and `err`, where they apply. */
type Write = (fields: object, message: string) => void;

/** The logger that shardcast needs; every pino logger is one. */
export interface Logger {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** Whether it writes lines of a level. Default: all levels. */
  isLevelEnabled?(level: LogLevel): boolean;
}

/** How much is logged, from nothing to every connection. */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * A logger that writes JSON lines to standard error.
 *
 * @param level the lowest level to write. By default only warnings and errors
 */
export function createLogger(level: LogLevel = "warn"): Logger {
  // Synchronous: lines are few, and the last ones before an exit are those that matter.
  const destination = pino.destination({ dest: STDERR, sync: true });
  return pino({ name: "shardcast", level }, destination);
}

/** The same logger, whose own errors end nothing: they go to standard error. */
export function guarded(logger: Logger): Logger {
  const isLevelEnabled = (level: LogLevel) => {
    try {
      return logger.isLevelEnabled?.(level) ?? true;
    } catch (error) {
      console.error(error);
      return true;
    }
  };
  const guard =
    (level: Exclude<LogLevel, "silent">): Write =>
    (fields, message) => {
      if (!isLevelEnabled(level)) return;
      try {
        const written: unknown = logger[level](fields, message);
        if (written instanceof Promise) written.catch(console.error);
      } catch (error) {
        console.error(error);
      }
    };
  return {
    debug: guard("debug"),
    info: guard("info"),
    warn: guard("warn"),
    error: guard("error"),
    isLevelEnabled,
  };
}
