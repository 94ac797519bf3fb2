import { expect, test } from "bun:test";

import { RateLimitedLog } from "../../src/logging/rate-limited-log";
import { RunCounts } from "../../src/sharded/run-counts";
import { logged, spyLogger } from "../helpers/spy-logger";

test("a connection that could not be accepted is counted, and logged with the reason", () => {
  const logger = spyLogger();
  const counts = new RunCounts(logger, new RateLimitedLog(logger));
  expect(counts.acceptFailures).toBe(0);
  counts.acceptFailed("Too many open files (os error 24)");
  counts.acceptFailed("Too many open files (os error 24)");
  expect(counts.acceptFailures).toBe(2);
  const warnings = logged(logger, "warn").map(({ fields }) => fields);
  expect(warnings).toEqual([{ times: 1, reason: "Too many open files (os error 24)" }]);
});
