import { Pause } from "../process/wait";

/** A warning is written at most this often. */
const QUIET_MS = 1000;

/**
 * A warning whose cause may strike thousands of times a second.
 *
 * The first strike is written at once. Those that follow are counted, and told in one line a
 * second.
 */
export class Warning {
  #strikes = 0;
  #quiet = false;

  /** @param write writes the line for the number of strikes since the last line */
  constructor(private readonly write: (strikes: number) => void) {}

  /** Counts `strikes`, and writes unless a line was written less than a second ago. */
  strike(strikes = 1): void {
    this.#strikes += strikes;
    if (!this.#quiet) this.#tell();
  }

  #tell(): void {
    this.write(this.#strikes);
    this.#strikes = 0;
    this.#quiet = true;
    // A pending line is no reason to keep the process alive.
    void new Pause(QUIET_MS, false).over.then(() => {
      this.#quiet = false;
      if (this.#strikes > 0) this.#tell();
    });
  }
}
