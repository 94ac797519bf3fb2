import type { Logger } from "../logging/logger";
import type { CoreEvent } from "./native";

type Failed = Extract<CoreEvent, { type: "RequestsFailed" }>;

/** Requests of plain HTTP that the app has not answered, since the start, by how that came. */
export interface RequestFailures {
  /** `maxHttpRequests` were under way, or the process had too few files left: 503. */
  requests_busy: number;
  /** The app did not take a connection: 502. */
  requests_unreachable: number;
  /** The app's answer could not be passed on: 502. */
  requests_unusable: number;
  /** The app ended its connection before the end of the answer. */
  requests_broken: number;
}

const MESSAGES: Record<Failed["kind"], string> = {
  busy: "requests were refused with 503: too many are in progress (maxHttpRequests, open files)",
  unreachable: "requests were answered with 502: the app accepts no connection",
  unusable: "requests were answered with 502: the app's answer cannot be passed on",
  broken: "requests were cut off: the app ended the connection before the end of its answer",
};

/** Nothing has failed. */
export function noFailures(): RequestFailures {
  return { requests_busy: 0, requests_unreachable: 0, requests_unusable: 0, requests_broken: 0 };
}

/** Counts requests that the app has not answered, and writes what the door tells of them. */
export class FailedRequests {
  readonly #counts = noFailures();

  constructor(private readonly logger: Logger) {}

  get counts(): RequestFailures {
    return { ...this.#counts };
  }

  /** Counts and writes. The door tells of each kind once a second at most. */
  note({ kind, failures, reason }: Omit<Failed, "type">): void {
    this.#counts[`requests_${kind}`] += failures;
    this.logger.warn({ failures, ...(reason && { reason }) }, MESSAGES[kind]);
  }
}
