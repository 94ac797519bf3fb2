import { describe, expect, test } from "bun:test";
import { listenFailed } from "../src/errors";
import { bunProblem } from "../src/process/bun-version";

function listenError(code: string): string {
  return listenFailed("127.0.0.1", 80, Object.assign(new Error("no"), { code })).message;
}

describe("an error at the start says what to do", () => {
  test("when the port is taken", () => {
    expect(listenError("EADDRINUSE")).toMatch(
      /127\.0\.0\.1:80: the port is in use\. End .* or choose/,
    );
  });

  test("when the port is not for this user", () => {
    expect(listenError("EACCES")).toMatch(
      /is not allowed to open the port\. Choose a port from 1024 up/,
    );
  });

  test("when the address is another machine's", () => {
    expect(listenError("EADDRNOTAVAIL")).toMatch(
      /does not have that address\. Choose one of the machine/,
    );
  });

  test("when Bun is too old", () => {
    expect(bunProblem("1.3.14")).toMatch(
      /Bun >=1\.4\.0 is required, but this is Bun 1\.3\.14: .*upgrade/,
    );
    expect(bunProblem()).toBeUndefined();
  });
});
