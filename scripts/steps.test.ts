import { expect, test } from "bun:test";
import { stepsFor } from "./steps";

const names = (...args: Parameters<typeof stepsFor>) => stepsFor(...args).map(({ name }) => name);

test("to serve takes the dependencies and the addon, and no tool of the tests", () => {
  expect(names("server")).toEqual(["dependencies", "addon"]);
});

test("to test takes the load tester too, and promtool only where it can be fetched", () => {
  expect(names("test", "/nowhere")).toEqual(["dependencies", "addon", "load-tester"]);
});
