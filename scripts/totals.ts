/** Reads how many tests passed and failed out of what the test runners print. */

/** How many tests passed and how many failed. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

const NONE: Totals = { passed: 0, failed: 0 };

/** Reads the lines of one runner's output as they come. */
export interface Reader {
  line(text: string): void;
  /** What the lines so far add up to. */
  totals(): Totals;
}

/** Reads `bun test`, which closes with its totals: " 12 pass" and " 1 fail". */
export function bunReader(): Reader {
  let [passed, failed] = [0, 0];
  return {
    line(text) {
      const [, count, verdict] = /^ ?(\d+) (pass|fail)$/.exec(plain(text)) ?? [];
      // The last such line counts: a test may have printed one of its own before.
      if (verdict === "pass") passed = Number(count);
      if (verdict === "fail") failed = Number(count);
    },
    totals: () => ({ passed, failed }),
  };
}

/**
 * Reads `cargo test`, in which every test binary closes with a line of its own. Only the last such
 * line counts: a failed test may show the output of a test binary that it ran itself. The tests of
 * the documentation are several binaries under one heading, and all of their lines count.
 */
export function cargoReader(): Reader {
  let [before, current] = [NONE, NONE];
  let inDocumentation = false;
  return {
    line(text) {
      const heading = /^ +(Running|Doc-tests) /.exec(plain(text))?.[1];
      if (heading !== undefined) {
        [before, current] = [sum([before, current]), NONE];
        inDocumentation = heading === "Doc-tests";
      }
      const closing = /^test result: \w+\. (\d+) passed; (\d+) failed;/.exec(plain(text));
      if (closing === null) return;
      const read = { passed: Number(closing[1]), failed: Number(closing[2]) };
      current = inDocumentation ? sum([current, read]) : read;
    },
    totals: () => sum([before, current]),
  };
}

/**
 * What a finished suite counts as. A runner which crashed, did not compile or found no test has no
 * failed test to show for it, and is counted as one: it must never look like success.
 */
export function verdict(read: Totals, exitCode: number): Totals {
  const ranNothing = read.passed + read.failed === 0;
  const failedUncounted = exitCode !== 0 && read.failed === 0;
  return ranNothing || failedUncounted ? { ...read, failed: read.failed + 1 } : read;
}

/** The sum over all suites. */
export function sum(all: readonly Totals[]): Totals {
  return {
    passed: all.reduce((count, totals) => count + totals.passed, 0),
    failed: all.reduce((count, totals) => count + totals.failed, 0),
  };
}

function plain(text: string): string {
  return Bun.stripANSI(text).trimEnd();
}
