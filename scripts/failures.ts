/**
 * Cuts what a test runner printed of its failed tests out of its output, so that it can be shown
 * once more at the end, where the thousands of lines between do not hide it.
 */

/** Of one failure, so many lines are kept: the last ones, which tell the reason. */
const MOST_LINES = 60;
/** So many failures are shown; a run with more has a reason that the first ones tell. */
const MOST_FAILURES = 10;

/** Collects the failures in the lines of one runner's output as they come. */
export interface Failures {
  line(text: string): void;
  /** A failure each: what the runner printed of it. */
  all(): readonly string[];
}

/**
 * Reads `bun test`, which prints a test's output and its error before the line with its verdict.
 */
export function bunFailures(): Failures {
  const found = new Found();
  let lines: string[] = [];
  return {
    line(text) {
      const bare = Bun.stripANSI(text);
      lines = [...lines, bare].slice(-MOST_LINES);
      if (/^\(fail\) /.test(bare)) found.add(lines);
      if (/^\((pass|fail|skip|todo)\) /.test(bare)) lines = [];
    },
    all: () => found.all,
  };
}

/**
 * Reads `cargo test`. Every test binary shows what its failed tests printed under a heading
 * "failures:", which comes once more with their names only. What did not compile is an "error".
 */
export function cargoFailures(): Failures {
  const found = new Found();
  let lines: string[] | undefined;
  return {
    line(text) {
      const bare = Bun.stripANSI(text);
      const starts = /^---- .* stdout ----$/.test(bare) || /^error(\[E\d+\])?: /.test(bare);
      const ends = /^(failures:|test result: )/.test(bare) || /^ +(Running|Doc-tests) /.test(bare);
      if (lines !== undefined && (starts || ends)) {
        found.add(lines);
        lines = undefined;
      }
      if (starts) lines = [];
      if (lines !== undefined) lines = [...lines, bare].slice(-MOST_LINES);
    },
    all: () => (lines === undefined ? found.all : [...found.all, asText(lines)]),
  };
}

class Found {
  readonly all: string[] = [];

  add(lines: readonly string[]): void {
    if (this.all.length < MOST_FAILURES) this.all.push(asText(lines));
  }
}

function asText(lines: readonly string[]): string {
  return lines.join("\n").trim();
}
