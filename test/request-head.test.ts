import { expect, test } from "bun:test";

import { RequestHead } from "../src/upgrades/request-head";

test("what a client's own headers say is no other's", () => {
  const head = new RequestHead("host: a\nx-one\nupgrade: WebSocket\nx-two");
  const [first, second] = ["1\n2", "3\n"].map((own) => {
    head.setOwn(own);
    return new Request("http://a/", head.init).headers.toJSON();
  });
  expect(first).toEqual({ host: "a", upgrade: "websocket", "x-one": "1", "x-two": "2" });
  expect(second).toEqual({ host: "a", upgrade: "websocket", "x-one": "3", "x-two": "" });
});

test("a header that comes twice has both values", () => {
  const { headers } = new RequestHead("host: a\ncookie: a=1\ncookie: b=2\nx-a: 1\nx-a: 2").init;
  expect(headers.get("cookie")).toBe("a=1; b=2");
  expect(headers.get("x-a")).toBe("1, 2");
});

test.each([
  ["host: example.test:80", "http://example.test:80"],
  ["x-a: none", undefined],
  ["host: ", undefined],
  ["host: a/b", undefined],
  ["host: a\nhost: b", undefined],
])("the origin of %j is %p", (printed, origin) => {
  expect(new RequestHead(printed).origin).toBe(origin as string);
});
