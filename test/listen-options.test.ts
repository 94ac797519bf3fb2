import { expect, test } from "bun:test";

import { publicAddress } from "../src/listen-options";

test("an IPv6 address may stand in brackets, as in a URL", () => {
  const address = { host: "::1", port: 1, hostname: "::1" };
  expect(publicAddress({ hostname: "[::1]", port: 1 })).toEqual(address);
  expect(publicAddress({ hostname: "::1", port: 1 })).toEqual(address);
});

test("a name is refused: none is looked up", () => {
  expect(() => publicAddress({ hostname: "example.com" })).toThrow(
    'hostname must be an IP address or "localhost", not "example.com"',
  );
});
