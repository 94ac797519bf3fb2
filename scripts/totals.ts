/** Reads how many tests passed and failed out of what the test runners print. */

/** How many tests passed and how many failed. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

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

/** Reads `cargo test`, in which every test binary closes with a line of its own. */
export function cargoReader(): Reader {
  let [passed, failed] = [0, 0];
  return {
    line(text) {
      const sums = /^test result: \w+\. (\d+) passed; (\d+) failed;/.exec(plain(text));
      passed += Number(sums?.[1] ?? 0);
      failed += Number(sums?.[2] ?? 0);
    },
    totals: () => ({ passed, failed }),
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
