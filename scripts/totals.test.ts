import { describe, expect, test } from "bun:test";
import { bunReader, cargoReader, type Reader, sum, verdict } from "./totals";

function read(reader: Reader, output: string) {
  for (const line of output.split("\n")) reader.line(line);
  return reader.totals();
}

describe("bun test", () => {
  test("its closing lines are the totals", () => {
    const output = " 12 pass\n 1 skip\n 3 fail\n 40 expect() calls\nRan 16 tests across 3 files.";
    expect(read(bunReader(), output)).toEqual({ passed: 12, failed: 3 });
  });

  test("colours do not hide them", () => {
    const output = "\u001b[0m\u001b[32m 12 pass\u001b[0m\n\u001b[0m\u001b[31m 1 fail\u001b[0m";
    expect(read(bunReader(), output)).toEqual({ passed: 12, failed: 1 });
  });

  test("what a test itself prints is not added", () => {
    expect(read(bunReader(), " 99 pass\n(pass) prints\n 1 pass\n 0 fail")).toEqual({
      passed: 1,
      failed: 0,
    });
  });
});

describe("cargo test", () => {
  const closing = (passed: number, failed: number) =>
    `test result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; 1 ignored;`;

  test("all binaries are added up", () => {
    const output = [
      "     Running unittests src/lib.rs (target/debug/deps/core-0123)",
      closing(7, 0),
      "     Running tests/wire.rs (target/debug/deps/wire-4567)",
      closing(2, 1),
    ];
    expect(read(cargoReader(), output.join("\n"))).toEqual({ passed: 9, failed: 1 });
  });

  test("a test binary that a failed test ran is not added", () => {
    const output = [
      "     Running tests/door.rs (target/debug/deps/door-0123)",
      "---- a_door_closes stdout ----",
      closing(0, 1),
      closing(46, 1),
    ];
    expect(read(cargoReader(), output.join("\n"))).toEqual({ passed: 46, failed: 1 });
  });

  test("all tests of the documentation are added up", () => {
    const output = [
      "     Running unittests src/lib.rs (target/debug/deps/core-0123)",
      closing(7, 0),
      "   Doc-tests shardcast_core",
      closing(3, 0),
      closing(1, 0),
    ];
    expect(read(cargoReader(), output.join("\n"))).toEqual({ passed: 11, failed: 0 });
  });
});

describe("a suite fails", () => {
  test("when it ran no test", () => {
    expect(verdict({ passed: 0, failed: 0 }, 0)).toEqual({ passed: 0, failed: 1 });
  });

  test("when its runner crashed after some tests had passed", () => {
    expect(verdict({ passed: 5, failed: 0 }, 139)).toEqual({ passed: 5, failed: 1 });
  });

  test("with the failures that it counted, and no more", () => {
    expect(verdict({ passed: 5, failed: 2 }, 1)).toEqual({ passed: 5, failed: 2 });
  });
});

test("the totals are the sum over the suites", () => {
  const suites = [
    { passed: 3, failed: 0 },
    { passed: 4, failed: 1 },
  ];
  expect(sum(suites)).toEqual({ passed: 7, failed: 1 });
});
