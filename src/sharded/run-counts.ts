import type { Logger } from "../logging/logger";
import type { RateLimitedLog } from "../logging/rate-limited-log";
import type { RefusedHere } from "../upgrades/refused-upgrades";
import { FAILURE_KINDS } from "./constants";
import type { CoreEvent, FailureKind } from "./native";

type RequestsFailed = Extract<CoreEvent, { type: "RequestsFailed" }>;

/** Requests of plain HTTP that the app has not answered, since the start, by reason. */
export type RequestFailures = Record<`requests_${FailureKind}`, number>;

const FAILURE_TEXTS: Record<FailureKind, string> = {
  busy: "requests were refused with 503: too many are in progress (maxHttpRequests, open files)",
  unreachable: "requests were answered with 502: the app accepts no connection",
  unusable: "requests were answered with 502: the app's answer cannot be passed on",
  broken: "requests were cut off: the app ended the connection before the end of its answer",
};

/** Nothing has failed. */
export function noFailures(): RequestFailures {
  const zeros = FAILURE_KINDS.map((kind) => [`requests_${kind}`, 0]);
  return Object.fromEntries(zeros) as RequestFailures;
}

/** What one run counts besides its workers, since its start. Failures are logged too. */
export class RunCounts {
  /** Messages published to at least one subscriber. */
  published = 0;
  /** How often the system had no descriptor or memory for a connection, which then had to wait. */
  acceptFailures = 0;
  /** Upgrades that JavaScript has refused. */
  readonly refused: RefusedHere = { app: 0, full: 0, draining: 0 };
  readonly #requestFailures = noFailures();

  constructor(
    private readonly logger: Logger,
    private readonly log: Pick<RateLimitedLog, "record">,
  ) {}

  get requestFailures(): RequestFailures {
    return { ...this.#requestFailures };
  }

  /** @param reason of the system's */
  acceptFailed(reason: string): void {
    this.acceptFailures += 1;
    this.log.record("acceptFailed", { reason });
  }

  /** The door reports each kind once a second at most. */
  requestsFailed({ kind, failures, reason }: Omit<RequestsFailed, "type">): void {
    this.#requestFailures[`requests_${kind}`] += failures;
    this.logger.warn({ failures, ...(reason && { reason }) }, FAILURE_TEXTS[kind]);
  }
}
