import { expect, test } from "bun:test";

import { HeaderTemplate } from "../../src/upgrades/header-template";

test("what a client's own headers say is no other's", () => {
  const template = new HeaderTemplate("host: a\nx-one\nupgrade: WebSocket\nx-two");
  const [first, second] = ["1\n2", "3\n"].map((own) => {
    template.setOwn(own);
    return new Request("http://a/", template.init).headers.toJSON();
  });
  expect(first).toEqual({ host: "a", upgrade: "websocket", "x-one": "1", "x-two": "2" });
  expect(second).toEqual({ host: "a", upgrade: "websocket", "x-one": "3", "x-two": "" });
});

test("a header that comes twice has both values", () => {
  const { headers } = new HeaderTemplate("host: a\ncookie: a=1\ncookie: b=2\nx-a: 1\nx-a: 2").init;
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
  expect(new HeaderTemplate(printed).origin).toBe(origin as string);
});
