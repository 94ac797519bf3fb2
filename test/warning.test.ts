import { expect, test } from "bun:test";

import { Warning } from "../src/logging/warning";

test("a storm of strikes is one line at once, and one a second with the number since", async () => {
  const lines: number[] = [];
  const second = Promise.withResolvers<void>();
  const warning = new Warning((strikes) => {
    if (lines.push(strikes) === 2) second.resolve();
  });
  const start = performance.now();
  for (let n = 0; n < 1000; n++) warning.strike();
  expect(lines).toEqual([1]);
  await second.promise;
  expect(lines).toEqual([1, 999]);
  expect(performance.now() - start).toBeGreaterThan(950);
});
