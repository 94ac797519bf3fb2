import type { Logger } from "./logger";
import { Warning } from "./warning";

/** A kind of line, and what it says of how often something has happened since the last. */
interface Line {
  level: "warn" | "error";
  text: (times: number) => string;
}

const LINES = {
  shardFull: {
    level: "warn",
    text: (times) => `shards are full: ${times} upgrades were refused with 503 (maxClients)`,
  },
  slowClient: {
    level: "warn",
    text: (times) => `${times} slow clients were disconnected with 1013 (bufferSize, bufferBytes)`,
  },
  tooManyChannels: {
    level: "warn",
    text: (times) =>
      `ws.subscribe threw ${times} times: the client has as many channels as ` +
      "maxChannelsPerClient allows",
  },
  longMessage: {
    level: "warn",
    text: (times) =>
      `${times} messages were longer than maxJsonLength: their route got them as text`,
  },
  foreignServer: {
    level: "warn",
    text: (times) =>
      `${times} clients are not on shards: the app that listens has another adapter. ` +
      "Give it shardcast's, and not a plugin",
  },
  onSkipFailed: { level: "error", text: (times) => `onSkip has thrown ${times} times` },
} satisfies Record<string, Line>;

export type LineName = keyof typeof LINES;

/**
 * Lines of the log for what clients can bring about as often as they like: of each kind there is
 * one a second at most, with how often it has happened and the fields of the last time.
 */
export class RateLimitedLog {
  readonly #warnings = new Map<LineName, Warning>();
  readonly #fields = new Map<LineName, object>();

  constructor(private readonly logger: Logger) {}

  /** @param fields tell of this time */
  record(name: LineName, fields: object = {}): void {
    this.#fields.set(name, fields);
    this.#warningOf(name).strike();
  }

  #warningOf(name: LineName): Warning {
    const known = this.#warnings.get(name);
    if (known) return known;
    const { level, text }: Line = LINES[name];
    const warning = new Warning((times) => {
      this.logger[level]({ times, ...this.#fields.get(name) }, text(times));
    });
    this.#warnings.set(name, warning);
    return warning;
  }
}
