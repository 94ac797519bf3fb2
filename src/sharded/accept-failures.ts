import type { Logger } from "../logging/logger";
import { Warning } from "../logging/warning";

/** Counts how often the system could not give out a connection, and warns of it. */
export class AcceptFailures {
  readonly #warning: Warning;
  #count = 0;
  #reason = "";

  constructor(logger: Logger) {
    this.#warning = new Warning((failures) =>
      logger.warn(
        { failures, reason: this.#reason },
        "connections wait to be accepted: the system has no descriptor or memory for them",
      ),
    );
  }

  /** Since the start. */
  get count(): number {
    return this.#count;
  }

  /** @param reason what the system said */
  strike(reason: string): void {
    this.#count += 1;
    this.#reason = reason;
    this.#warning.strike();
  }
}
