import { describe, expect, test } from "bun:test";

import { type CaseReport, complete, failureTable, passed, sectionTable } from "./verdicts";

function report(id: string, behavior: string, behaviorClose = "OK"): CaseReport {
  return { id, behavior, behaviorClose, description: "Send a <b>frame</b>,\n   then another." };
}

describe("a case passes", () => {
  test("when messages and closing are as they have to be", () => {
    expect(passed(report("1.1.1", "OK"))).toBe(true);
  });

  test("when it says that it only informs", () => {
    expect(passed(report("7.1.6", "INFORMATIONAL", "INFORMATIONAL"))).toBe(true);
  });
});

describe("a case fails", () => {
  test.each(["NON-STRICT", "UNIMPLEMENTED", "FAILED", "ERROR"])("when messages are %s", (how) => {
    expect(passed(report("3.2", how))).toBe(false);
  });

  test.each(["WRONG CODE", "UNCLEAN", "FAILED BY CLIENT", "FAILED"])(
    "when closing is %s",
    (how) => {
      expect(passed(report("7.1.1", "OK", how))).toBe(false);
      expect(passed(report("7.1.6", "INFORMATIONAL", how))).toBe(false);
    },
  );

  test("when it gave no result", () => {
    const all = complete(["1.1.1", "1.1.2"], [report("1.1.2", "OK")]);
    expect(all.map(({ id }) => id)).toEqual(["1.1.1", "1.1.2"]);
    expect(all.map(passed)).toEqual([false, true]);
  });
});

test("the table of failures has a line for each, and none when there are none", () => {
  expect(failureTable([report("1.1.1", "OK")])).toEqual([]);
  const [heading, ...lines] = failureTable([report("1.1.1", "OK"), report("3.2", "NON-STRICT")]);
  expect(heading).toStartWith("case");
  expect(lines).toEqual(["3.2      NON-STRICT     OK                Send a frame, then another."]);
});

test("the table of sections counts each section for itself", () => {
  const reports = [report("1.1.1", "OK"), report("10.1.1", "OK"), report("1.2.1", "FAILED")];
  expect(sectionTable(reports)).toEqual(["section 1  1 of 2 passed", "section 10 1 of 1 passed"]);
});
