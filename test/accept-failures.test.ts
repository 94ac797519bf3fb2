import { expect, test } from "bun:test";

import { AcceptFailures } from "../src/sharded/accept-failures";
import { logged, spyLogger } from "./spy-logger";

test("a connection that could not be accepted is counted, and warned of with the reason", () => {
  const logger = spyLogger();
  const failures = new AcceptFailures(logger);
  expect(failures.count).toBe(0);
  failures.strike("Too many open files (os error 24)");
  failures.strike("Too many open files (os error 24)");
  expect(failures.count).toBe(2);
  const warnings = logged(logger, "warn").map(({ fields }) => fields);
  expect(warnings).toEqual([{ failures: 1, reason: "Too many open files (os error 24)" }]);
});
