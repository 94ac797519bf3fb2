/** Figures of the page as text. */

import { expect, test } from "bun:test";

import { time } from "../../../src/server/page/format.js";

test("a time has a unit and at most eight characters", () => {
  const texts = [0, 0.00004, 0.09871, 0.6218, 4.821, 12.34, 9994, 9995, 123_456].map(time);
  const wanted = ["0 ms", "0 ms", "0.099 ms", "0.622 ms", "4.82 ms", "12.3 ms", "9,990 ms"];
  expect(texts).toEqual([...wanted, "10 s", "123 s"]);
  expect(texts.filter((text) => text.length > 8)).toEqual([]);
  expect(time(null)).toBe("–");
});
