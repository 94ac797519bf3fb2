/**
 * Judges what the cases gave, more strictly than Autobahn itself: what is merely tolerated fails.
 */

/** What one case gave, in kosoku's words. */
export interface CaseReport {
  /** Section, group and number: "6.4.1". */
  readonly id: string;
  readonly description: string;
  /** How the exchange of messages went. */
  readonly behavior: string;
  /** How the closing handshake went. */
  readonly behaviorClose: string;
}

/**
 * A case says itself that it is informational: where the standard leaves open what is to happen.
 */
const GOOD = ["OK", "INFORMATIONAL"];

/** The section of a case: "6" of "6.4.1". */
export function sectionOf(id: string): string {
  return id.slice(0, id.indexOf("."));
}

/** Whether a case passed. */
export function passed({ behavior, behaviorClose }: CaseReport): boolean {
  return GOOD.includes(behavior) && GOOD.includes(behaviorClose);
}

/** A report for each of the cases `ids`. One that gave none has failed: its runner broke off. */
export function complete(ids: readonly string[], reports: readonly CaseReport[]): CaseReport[] {
  const byId = new Map(reports.map((report) => [report.id, report]));
  const none = { description: "gave no result", behavior: "MISSING", behaviorClose: "MISSING" };
  return ids.map((id) => byId.get(id) ?? { id, ...none });
}

/** The table of the cases that failed, one line each under a heading; empty when none has. */
export function failureTable(reports: readonly CaseReport[]): string[] {
  const failed = reports.filter((report) => !passed(report));
  if (failed.length === 0) return [];
  const heading = { id: "case", behavior: "messages", behaviorClose: "closing" };
  return [{ ...heading, description: "what it does" }, ...failed].map(
    ({ id, behavior, behaviorClose, description }) =>
      [id.padEnd(8), behavior.padEnd(14), behaviorClose.padEnd(17), oneLine(description)].join(" "),
  );
}

/** How many passed and failed in each section, one line each. */
export function sectionTable(reports: readonly CaseReport[]): string[] {
  return Object.entries(Object.groupBy(reports, ({ id }) => sectionOf(id))).map(
    ([section, cases = []]) => {
      const good = cases.filter(passed).length;
      return `section ${section.padEnd(2)} ${good} of ${cases.length} passed`;
    },
  );
}

/** Widest description that is shown. */
const DESCRIPTION_COLUMNS = 100;

/** Autobahn's descriptions are HTML, over several lines. */
function oneLine(html: string): string {
  const line = html
    .replaceAll(/<\/?\w+>/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= DESCRIPTION_COLUMNS ? line : `${line.slice(0, DESCRIPTION_COLUMNS - 1)}…`;
}
