import { describe, expect, test } from "bun:test";

import { CASES } from "./cases";
import { markdownOf, summaryOf } from "./outcome";
import { medianOf, type Result } from "./result";

const testCase = CASES.find(({ name }) => name === "saturation-1000x40000") as (typeof CASES)[0];

const GOOD: Result = {
  contestant: "floor",
  connected: 1000,
  connectsPerSecond: 5000,
  perSecond: 10_000_000,
  megabytesPerSecond: 1300,
  p50Ms: 5,
  p99Ms: 10,
  cpuPerMillion: 0.1,
  cpuPercent: 99,
  writesPerMillion: 20_000,
  residentBytes: 64e6,
  bytesPerClient: 7000,
  missing: 0,
  failed: 0,
  closed: 0,
  connectCpu: {},
  testerCpuPercent: 90,
  stolenPercent: 0,
  testerFull: false,
};

function outcome(ours: Partial<Result>) {
  const results = testCase.contestants.map((contestant) => ({ ...GOOD, contestant }));
  return {
    testCase,
    results: results.map((result) =>
      result.contestant === "shardcast 1×1" ? { ...result, ...ours } : result,
    ),
  };
}

describe.each([
  ["the load tester was full first", { testerFull: true }],
  ["messages are missing", { missing: 1 }],
])("a run in which %s", (reason, ours) => {
  test("is void in its table, and meets no target nor misses it", () => {
    const markdown = markdownOf(outcome(ours));
    expect(markdown).toContain(`- shardcast 1×1: **void**, ${reason}`);
    expect(markdown).toContain("- throughput / floor: void (target: at least 0.9)");
    expect(markdown).not.toMatch(/reached|missed/);
  });

  test("is no result in the summary", () => {
    const [row] = summaryOf([outcome(ours)])
      .split("\n")
      .slice(2);
    const [, , cell, bun] = (row as string).split("|").map((text) => text.trim());
    expect([cell, bun]).toEqual(["void", "10M/s, 10 ms"]);
  });

  test("makes the median of several void", () => {
    const median = medianOf([GOOD, { ...GOOD, ...ours }, GOOD]);
    expect(median).toMatchObject(ours);
  });
});

test("a run that is not void meets its targets or misses them", () => {
  const markdown = markdownOf(outcome({}));
  expect(markdown).toContain("- throughput / floor: 1 (target: at least 0.9) reached");
  expect(markdown).toContain("- throughput / Bun publish: 1 (target: at least 5) **missed**");
  expect(markdown).not.toContain("void");
});

test("missing messages are themselves a target, which a run that misses some does not reach", () => {
  const top = CASES.find(({ name }) => name === "top") as (typeof CASES)[0];
  const results = top.contestants.map((contestant) => ({ ...GOOD, contestant, missing: 2 }));
  const markdown = markdownOf({ testCase: top, results });
  expect(markdown).toContain("- messages missing: 2 (target: at most 0) **missed**");
  expect(markdown).toContain("- p99 / floor: void");
});
