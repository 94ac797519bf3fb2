/** Reads which tests passed and failed, out of what a test runner has written. */

/** How many tests of a suite passed and failed, and what is to be shown of those that failed. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly string[];
}

const TEST_CASE = /<testcase name="([^"]*)" [^>]*?file="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs;
const FAILURE = /<failure[^>]*?(?:\/>|>(.*?)<\/failure>)/s;
/** What a test binary prints of its failed tests; their names come once more after it. */
const CARGO_FAILURES = /^failures:\n\n(---- .*?)\n+^failures:$/gms;
const CARGO_TOTALS = /^test result: \w+\. (\d+) passed; (\d+) failed;/gm;
/** What did not compile; "test failed" says only that a binary's failures are above. */
const COMPILER_ERROR = /^error(?:\[E\d+\])?: (?!test failed|\d+ target).*?(?=\n\n|$(?![\s\S]))/gms;

/** Reads the file of `bun test --reporter=junit`. */
export function bunReport(xml: string): TestReport {
  const failures: string[] = [];
  let passed = 0;
  for (const [, name = "", file, content = ""] of xml.matchAll(TEST_CASE)) {
    const failure = FAILURE.exec(content);
    if (failure) failures.push(`${file}: ${unescaped(`${name}\n${failure[1] ?? ""}`)}`);
    else if (!content.includes("<skipped")) passed += 1;
  }
  return { passed, failed: failures.length, failures };
}

/** Reads the output of `cargo test`, which has no form for machines that is stable. */
export function cargoReport(output: string): TestReport {
  const text = Bun.stripANSI(output);
  const shown = [...text.matchAll(CARGO_FAILURES)].map(([, section]) => String(section));
  const failures = shown.flatMap((section) => section.split(/\n\n+(?=---- .* stdout ----\n)/));
  // A failed test may show the totals of a test binary that it ran itself.
  const totals = [...text.replace(CARGO_FAILURES, "").matchAll(CARGO_TOTALS)];
  const sum = (group: number) => totals.reduce((sum, total) => sum + Number(total[group]), 0);
  const errors = text.match(COMPILER_ERROR) ?? [];
  return { passed: sum(1), failed: sum(2), failures: [...failures, ...errors] };
}

/**
 * What a suite counts as whose runner ended with this code. One which crashed, did not compile or
 * found no test has no failed test to show for it, and is counted as one: it must never look like
 * success.
 */
export function concluded(report: TestReport, exitCode: number): TestReport {
  const ranNothing = report.passed + report.failed === 0;
  if (!ranNothing && (exitCode === 0 || report.failed > 0)) return report;
  const why = ranNothing ? "no test ran" : `the runner ended with ${exitCode}`;
  return { ...report, failed: 1, failures: [...report.failures, why] };
}

function unescaped(text: string): string {
  const letters: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(\w+);/g, (entity, name) => letters[name] ?? entity)
    .trim();
}
