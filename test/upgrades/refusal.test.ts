import { describe, expect, test } from "bun:test";

import { toFlat } from "../../src/upgrades/headers";
import { toRefusal } from "../../src/upgrades/refusal";
import { refused } from "../helpers/client";
import { serve } from "../helpers/serving";

describe("headers for the core", () => {
  test("list each cookie by itself", () => {
    const expected = ["set-cookie", "a=1", "set-cookie", "b=2"];
    expect(toFlat({ "Set-Cookie": ["a=1", "b=2"] })).toEqual(expected);
    const pairs: [string, string][] = [
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ];
    expect(toFlat(pairs)).toEqual(expected);
    expect(toFlat(new Headers(pairs))).toEqual(expected);
  });

  test("are sent without those that the door writes itself", async () => {
    const { ws } = serve({}, (app) =>
      app.get("/", () => {
        const headers = { Connection: "close", "Content-Length": "5", TE: "x", "x-mine": "1" };
        return new Response("no", { status: 403, headers });
      }),
    );
    const { status, headers, body } = await refused(ws);
    expect([status, headers["x-mine"], body]).toEqual([403, "1", "no"]);
    expect(headers.connection).not.toBe("close");
    expect([headers["content-length"], headers.te]).toEqual(["2", undefined]);
  });

  test("cannot be broken out of", () => {
    expect(() => toFlat({ "x-mine": "a\r\nx-other: b" })).toThrow(TypeError);
  });
});

describe("a refusal", () => {
  test("is the app's response, whole", async () => {
    const response = new Response("no", { status: 403, headers: { "x-why": "because" } });
    const { status, headers, body } = await toRefusal(response, 1000);
    expect([status, new TextDecoder().decode(body)]).toEqual([403, "no"]);
    expect(headers).toContain("x-why");
  });

  test("of an endless body is a 500, in time", async () => {
    let cancelled = false;
    const endless = new ReadableStream({
      cancel: () => {
        cancelled = true;
      },
    });
    expect((await toRefusal(new Response(endless), 10)).status).toBe(500);
    expect(cancelled).toBe(true);
  });

  test("of a huge body is a 500", async () => {
    const huge = new Response(new Uint8Array(2 * 1024 * 1024));
    expect((await toRefusal(huge, 1000)).status).toBe(500);
  });

  test("without a response is a 500", async () => {
    expect((await toRefusal(undefined, 1000)).status).toBe(500);
    expect((await toRefusal(Response.error(), 1000)).status).toBe(500);
  });
});
