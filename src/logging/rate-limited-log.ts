import { Pause } from "../process/wait";
import type { Logger } from "./logger";

/** Least time between two lines of one kind. */
const INTERVAL_MS = 1000;

/** A kind of line. */
interface Line {
  level: "warn" | "error";
  /** @param times how often it has happened since the last line */
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
      "Give shardcast's adapter to that app, not to a plugin",
  },
  queueFull: {
    level: "warn",
    text: (times) => `worker queues are full, ${times} publishes were dropped by a worker`,
  },
  acceptFailed: {
    level: "warn",
    text: () => "connections wait to be accepted: the system has no descriptor or memory for them",
  },
  onSkipFailed: { level: "error", text: (times) => `onSkip threw ${times} times` },
} satisfies Record<string, Line>;

export type LineName = keyof typeof LINES;

/** Fields of the line, of the last time. A function is called when the line is written. */
type Fields = object | (() => object);

/**
 * Lines of the log for what clients can cause as often as they like. The first time is written at
 * once. What follows within a second is one line, with how often it has happened and the fields of
 * the last time.
 */
export class RateLimitedLog {
  /** What has happened since the last line, for each kind with a line in the last second. */
  readonly #unwritten = new Map<LineName, { times: number; fields: Fields }>();

  constructor(private readonly logger: Logger) {}

  record(name: LineName, fields: Fields = {}, times = 1): void {
    const unwritten = this.#unwritten.get(name);
    if (unwritten) Object.assign(unwritten, { times: unwritten.times + times, fields });
    else this.#write(name, fields, times);
  }

  #write(name: LineName, fields: Fields, times: number): void {
    const { level, text }: Line = LINES[name];
    const written = typeof fields === "function" ? fields() : fields;
    this.logger[level]({ times, ...written }, text(times));
    const unwritten = { times: 0, fields: {} };
    this.#unwritten.set(name, unwritten);
    // A pending line is no reason to keep the process alive.
    void new Pause(INTERVAL_MS, false).over.then(() => {
      this.#unwritten.delete(name);
      if (unwritten.times > 0) this.#write(name, unwritten.fields, unwritten.times);
    });
  }
}
