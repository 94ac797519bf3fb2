import { expect, test } from "bun:test";

import { mayReusePort, publicAddress } from "../../src/elysia/listen-options";

test("an IPv6 address may stand in brackets, as in a URL", () => {
  expect(publicAddress({ hostname: "[::1]", port: 1 })).toMatchObject({ host: "::1", port: 1 });
  expect(publicAddress({ hostname: "::1", port: 1 })).toMatchObject({ host: "::1", port: 1 });
});

test("a port is shared where the app says so, not where Elysia would", () => {
  expect([undefined, false, true].map((reusePort) => mayReusePort({ reusePort }))).toEqual([
    false,
    false,
    true,
  ]);
});
