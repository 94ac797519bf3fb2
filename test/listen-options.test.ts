import { expect, test } from "bun:test";

import { defaultPort, publicAddress } from "../src/listen-options";

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

test.each([
  [{}, [], 3000],
  [{ PORT: "1" }, [], 1],
  [{ PORT: "1", BUN_PORT: "2", NODE_PORT: "3" }, ["--port=4"], 2],
  [{ PORT: "1", NODE_PORT: "3" }, [], 1],
  [{ NODE_PORT: "3", PORT: "" }, [], 3],
  [{ BUN_PORT: "70000", PORT: "x", NODE_PORT: "-1" }, [], 3000],
  [{ BUN_PORT: "1e3", PORT: " 1" }, ["--port", "4"], 4],
  [{}, ["--port=4", "--port=5"], 5],
  [{}, ["--smol", "--port"], 3000],
])("the port is found as Bun finds it: %p %p", (env, flags, port) => {
  expect(defaultPort(env, flags)).toBe(port);
});
