import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { bunReport, cargoReport, concluded } from "./test-report";

describe("bun test", () => {
  const report = (...cases: string[]) =>
    bunReport(`<testsuites><testsuite name="a">${cases.join("\n")}</testsuite></testsuites>`);
  const HOLDS = '<testcase name="holds" classname="" time="0" file="a.test.ts" line="1" />';

  test("what is skipped is neither passed nor failed", () => {
    const skipped = `${HOLDS.slice(0, -2)}>\n<skipped message="TODO" />\n</testcase>`;
    expect(report(HOLDS, skipped, HOLDS)).toEqual({ passed: 2, failed: 0, failures: [] });
  });

  test("a failure is shown with its file, its name and what it says", () => {
    const failed = `<testcase name="is &lt;so>" time="0" file="a.test.ts" line="3">
      <failure type="E" message="x">Error: &quot;1&quot;&#10;      at a.test.ts:3:5&#10;</failure>
    </testcase>`;
    expect(report(HOLDS, failed, HOLDS)).toEqual({
      passed: 2,
      failed: 1,
      failures: ['a.test.ts: is <so>\nError: "1"\n      at a.test.ts:3:5'],
    });
  });

  test("a failure that says nothing counts", () => {
    expect(report(`${HOLDS.slice(0, -2)}><failure /></testcase>`).failed).toBe(1);
  });

  test("the runner writes such a report", async () => {
    const directory = await mkdtemp(join(tmpdir(), "shardcast-report-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const code = 'import { expect, test } from "bun:test"; test("a < b", () => {}); ';
    await Bun.write(join(directory, "a.test.ts"), `${code} test("c", () => expect(1).toBe(2));`);
    const flags = ["--reporter=junit", "--reporter-outfile=report.xml"];
    const command = [process.execPath, "test", ...flags];
    await Bun.spawn(command, { cwd: directory, stdio: ["ignore", "ignore", "ignore"] }).exited;
    const written = bunReport(await Bun.file(join(directory, "report.xml")).text());
    expect(written).toMatchObject({ passed: 1, failed: 1 });
    expect(written.failures[0]).toContain("Expected: 2\nReceived: 1");
  });
});

describe("cargo test", () => {
  const closing = (passed: number, failed: number) =>
    `test result: ${failed === 0 ? "ok" : "FAILED"}. ${passed} passed; ${failed} failed; 1 ignored;`;

  test("all binaries and the tests of the documentation are added up", () => {
    const output = [
      "     Running unittests src/lib.rs (target/debug/deps/core-0123)",
      closing(7, 0),
      "   Doc-tests shardcast_core",
      closing(3, 0),
      `\u001b[32m${closing(1, 0)}`,
    ];
    expect(cargoReport(output.join("\n"))).toEqual({ passed: 11, failed: 0, failures: [] });
  });

  test("a failure is shown, and totals that it shows are not added", () => {
    const output = [
      "test a_door_closes ... FAILED",
      "",
      "failures:",
      "",
      "---- a_door_closes stdout ----",
      "thread 'a_door_closes' panicked at tests/door.rs:3:5:",
      "",
      closing(0, 1),
      "",
      "---- a_door_opens stdout ----",
      "it is closed",
      "",
      "",
      "failures:",
      "    a_door_closes",
      "    a_door_opens",
      "",
      closing(46, 2),
    ];
    expect(cargoReport(output.join("\n"))).toEqual({
      passed: 46,
      failed: 2,
      failures: [output.slice(4, 8).join("\n"), output.slice(9, 11).join("\n")],
    });
  });

  test("why it did not compile is shown", () => {
    const error = "error[E0008]: cannot bind\n  --> src/lib.rs:1:1";
    const output = `   Compiling shardcast-core\n${error}\n\nerror: could not compile`;
    expect(cargoReport(output).failures).toEqual([error, "error: could not compile"]);
  });
});

describe("a suite fails", () => {
  const counts = (passed: number, failed: number, exitCode: number) =>
    concluded({ passed, failed, failures: [] }, exitCode);

  test("when it ran no test", () => {
    expect(counts(0, 0, 0)).toEqual({ passed: 0, failed: 1, failures: ["no test ran"] });
  });

  test("when its runner crashed after some tests had passed", () => {
    const failures = ["the runner ended with 139"];
    expect(counts(5, 0, 139)).toEqual({ passed: 5, failed: 1, failures });
  });

  test("with the failures that it counted, and no more", () => {
    expect(counts(5, 2, 1)).toEqual({ passed: 5, failed: 2, failures: [] });
    expect(counts(5, 0, 0)).toEqual({ passed: 5, failed: 0, failures: [] });
  });
});
