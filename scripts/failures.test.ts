import { expect, test } from "bun:test";
import { bunFailures, cargoFailures, type Failures } from "./failures";

function read(failures: Failures, lines: readonly string[]) {
  for (const line of lines) failures.line(line);
  return failures.all();
}

test("of bun test: the error of a failed test, and nothing of those that passed", () => {
  const output = [
    "test/a.test.ts:",
    "printed by a test that passes",
    "(pass) holds [1.00ms]",
    "error: expect(received).toBe(expected)",
    "\u001b[31m(fail)\u001b[0m does not hold [2.00ms]",
    "(pass) holds again [1.00ms]",
    " 2 pass",
    " 1 fail",
  ];
  expect(read(bunFailures(), output)).toEqual([
    "error: expect(received).toBe(expected)\n(fail) does not hold [2.00ms]",
  ]);
});

test("of bun test: the last lines of a test that printed many", () => {
  const printed = Array.from({ length: 1000 }, (_, line) => `line ${line}`);
  const [failure] = read(bunFailures(), [...printed, "(fail) prints a lot"]);
  expect(failure?.split("\n")).toHaveLength(60);
  expect(failure).toEndWith("line 999\n(fail) prints a lot");
});

test("of cargo test: what each failed test printed", () => {
  const output = [
    "test a_door_closes ... FAILED",
    "",
    "failures:",
    "",
    "---- a_door_closes stdout ----",
    "thread 'a_door_closes' panicked at tests/door.rs:3:5:",
    "it is open",
    "",
    "---- a_door_opens stdout ----",
    "it is closed",
    "",
    "",
    "failures:",
    "    a_door_closes",
    "",
    "test result: FAILED. 46 passed; 2 failed;",
  ];
  expect(read(cargoFailures(), output)).toEqual([
    "---- a_door_closes stdout ----\nthread 'a_door_closes' panicked at tests/door.rs:3:5:\nit is open",
    "---- a_door_opens stdout ----\nit is closed",
  ]);
});

test("of cargo test: why it did not compile", () => {
  const output = [
    "   Compiling shardcast-core",
    "error[E0008]: cannot bind",
    "  --> src/lib.rs:1:1",
  ];
  expect(read(cargoFailures(), output)).toEqual([
    "error[E0008]: cannot bind\n  --> src/lib.rs:1:1",
  ]);
});
