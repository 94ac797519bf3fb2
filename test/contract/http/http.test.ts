/** Plain HTTP on the port of the sockets, byte by byte: what Bun answers, the door lets through. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { type Stage, sameOnBoth } from "../both";
import { CLOSE, HOST, normal, UPGRADE, Wire } from "../wire";

function serveHttp(stage: Stage, options?: Parameters<Stage["serve"]>[1]): void {
  stage.serve(routes, options);
}

const routes = (app: Elysia) =>
  app
    .get("/", () => "home")
    .get("/empty", () => new Response(null, { status: 204 }))
    .get("/unchanged", () => new Response(null, { status: 304, headers: { etag: '"1"' } }))
    .get("/json", () => ({ a: 1 }))
    .get("/cookies", () => {
      const headers = new Headers();
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response("cookies", { headers });
    })
    .get("/stream", async function* () {
      yield "one ";
      yield "two ";
      yield "three";
    })
    .get("/throw", () => {
      throw new Error("thrown");
    })
    .get("/reject", async () => {
      await Bun.sleep(1);
      throw new Error("rejected");
    })
    .get("/url/*", ({ request }) => request.url.replace(/:\d+/, ""))
    .get("/headers", ({ request }) =>
      [...request.headers].filter(([name]) => name.startsWith("x-") || name === "cookie"),
    )
    .get("/file", () => Bun.file(new URL("../../fixtures/page.txt", import.meta.url).pathname))
    .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" })
    .post("/length", async ({ request }) => (await request.arrayBuffer()).byteLength, {
      parse: "none",
    })
    .ws("/ws", { open: (ws) => void ws.send("in") });

/** How an upload of unknown length begins. */
const IN_CHUNKS = ["POST /echo HTTP/1.1", HOST, "Transfer-Encoding: chunked", ""];

function manyFields(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `X-${n}: ${n}`);
}

/** Requests, each sent on a connection of its own that the server is to close. */
const REQUESTS: [string, string[]][] = [
  ["GET", ["GET / HTTP/1.1", ...CLOSE]],
  ["HEAD", ["HEAD / HTTP/1.1", ...CLOSE]],
  ["HEAD of JSON", ["HEAD /json HTTP/1.1", ...CLOSE]],
  ["204", ["GET /empty HTTP/1.1", ...CLOSE]],
  ["304", ["GET /unchanged HTTP/1.1", ...CLOSE]],
  ["JSON", ["GET /json HTTP/1.1", ...CLOSE]],
  ["several cookies", ["GET /cookies HTTP/1.1", ...CLOSE]],
  ["404", ["GET /nowhere HTTP/1.1", ...CLOSE]],
  ["OPTIONS", ["OPTIONS / HTTP/1.1", ...CLOSE]],
  ["DELETE without a route", ["DELETE / HTTP/1.1", ...CLOSE]],
  ["a handler that throws", ["GET /throw HTTP/1.1", ...CLOSE]],
  ["a handler that rejects", ["GET /reject HTTP/1.1", ...CLOSE]],
  ["a path as it was written", ["GET /url/%7Eada/%C3%BC%20?q=%2F&r=a+b&&s HTTP/1.1", ...CLOSE]],
  ["a path with dots", ["GET /url/a/../b/./c//d HTTP/1.1", ...CLOSE]],
  ["a query of its own", ["GET /url/x?http://other/ HTTP/1.1", ...CLOSE]],
  ["a file", ["GET /file HTTP/1.1", ...CLOSE]],
  ["a part of a file", ["GET /file HTTP/1.1", "Range: bytes=2-5", ...CLOSE]],
  ["HEAD of a file", ["HEAD /file HTTP/1.1", ...CLOSE]],
  ["an upload", ["POST /echo HTTP/1.1", "Content-Length: 5", ...CLOSE.slice(0, 3), "hello"]],
  ["an empty upload", ["POST /echo HTTP/1.1", "Content-Length: 0", ...CLOSE]],
  [
    "an upload in chunks",
    ["POST /echo HTTP/1.1", "Transfer-Encoding: chunked", ...CLOSE.slice(0, 3)].concat([
      "3",
      "abc",
      "2;x=y",
      "de",
      "0",
      "",
      "",
    ]),
  ],
  ["a body that a GET brings", ["GET / HTTP/1.1", "Content-Length: 2", ...CLOSE.slice(0, 3), "hi"]],
  ["a method without a route", ["PROPFIND / HTTP/1.1", ...CLOSE]],
  ["a whole URI as the target", ["GET http://example.test/url/x?y HTTP/1.1", ...CLOSE]],
  [
    "an expectation that is unknown",
    ["POST /echo HTTP/1.1", "Expect: luck", "Content-Length: 0", ...CLOSE],
  ],
  ["as many fields as Bun takes", ["GET /headers HTTP/1.1", ...manyFields(190), ...CLOSE]],
  ["a long head", ["GET /headers HTTP/1.1", `X-Long: ${"x".repeat(15_000)}`, ...CLOSE]],
  ["a long path", [`GET /url/${"x".repeat(15_000)} HTTP/1.1`, ...CLOSE]],
  ["a value past ASCII", ["GET /headers HTTP/1.1", "X-Name: J\xfcrg", ...CLOSE]],
  [
    "fields that came twice",
    ["GET /headers HTTP/1.1", "X-A: 1", "X-A: 2", "Cookie: a=1", "Cookie: b=2", ...CLOSE],
  ],
];

describe("a request is answered as by Bun", () => {
  for (const [name, lines] of REQUESTS) {
    sameOnBoth(name, async (stage) => {
      serveHttp(stage);
      const wire = await Wire.open(stage.port);
      wire.write(...lines);
      await wire.end();
      stage.note(normal(wire.received));
    });
  }

  sameOnBoth("that streams", async (stage) => {
    serveHttp(stage);
    const answer = await fetch(`http://127.0.0.1:${stage.port}/stream`);
    stage.note(answer.status, answer.headers.get("transfer-encoding"), await answer.text());
  });

  sameOnBoth("in HTTP/1.0", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.0", HOST, "", "");
    await wire.has("home");
    stage.note(wire.received.includes("200 OK"));
    wire.close();
  });
});

describe("a connection is kept as by Bun", () => {
  sameOnBoth("for one request after the other", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    for (let n = 1; n <= 3; n += 1) {
      wire.write("POST /echo HTTP/1.1", HOST, "Content-Length: 6", "", `round${n}`);
      await wire.has(`round${n}`);
    }
    stage.note(normal(wire.received), wire.ended);
    wire.close();
  });

  sameOnBoth("after an error of the handler", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    wire.write("GET /throw HTTP/1.1", HOST, "", "");
    await wire.has("thrown");
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("home");
    stage.note(normal(wire.received));
    wire.close();
  });

  sameOnBoth("until it becomes a WebSocket", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("home");
    wire.write("GET /ws HTTP/1.1", HOST, ...UPGRADE, "", "");
    await wire.has("\x81\x02in");
    stage.note(/101 Switching Protocols/.test(wire.received));
    stage.note(wire.received.includes("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    wire.close();
  });

  sameOnBoth("and a refused upgrade leaves it open", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    wire.write("GET /nowhere HTTP/1.1", HOST, ...UPGRADE, "", "");
    await wire.has("NOT_FOUND");
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("home");
    stage.note(normal(wire.received));
    wire.close();
  });
});

describe("a pipelined request is answered as by Bun", () => {
  const get = (path: string) => [`GET ${path} HTTP/1.1`, HOST, "", ""].join("\r\n");
  const post = ["POST /echo HTTP/1.1", HOST, "Content-Length: 2", "", "hi"].join("\r\n");
  for (const [name, requests, last] of [
    ["behind others whose answers are at hand", get("/").repeat(2) + get("/json"), '{"a":1}'],
    ["when it takes its time itself", get("/") + get("/reject"), "rejected"],
    ["behind an upload", post + get("/"), "home"],
  ] as [string, string, string][]) {
    sameOnBoth(name, async (stage) => {
      serveHttp(stage);
      const wire = await Wire.open(stage.port);
      wire.write(requests);
      await wire.has(last);
      stage.note(normal(wire.received), wire.ended);
      wire.close();
    });
  }
});

describe("what is no request is refused as by Bun", () => {
  for (const [name, lines] of [
    ["no HTTP at all", ["hello", "", ""]],
    ["a version that there is not", ["GET / HTTP/3.7", HOST, "", ""]],
    ["a field without a name", ["GET / HTTP/1.1", HOST, ": x", "", ""]],
    [
      "two lengths",
      ["POST /echo HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2", "", "ab"],
    ],
    ["a length that is none", ["POST /echo HTTP/1.1", HOST, "Content-Length: x", "", ""]],
  ] as [string, string[]][]) {
    sameOnBoth(name, async (stage) => {
      serveHttp(stage);
      const wire = await Wire.open(stage.port);
      wire.write(...lines);
      await wire.end();
      // With which words is each one's own.
      stage.note(/^HTTP\/1\.1 (4|5)\d\d/.test(wire.received) || wire.received === "");
      wire.close();
    });
  }
});

describe("a request that is not taken is refused with Bun's status", () => {
  for (const [name, lines] of [
    ["that has no Host", ["GET / HTTP/1.1", "", ""]],
    ["in a method of lower case", ["get / HTTP/1.1", ...CLOSE]],
    ["of *", ["GET * HTTP/1.1", ...CLOSE]],
    ["of *, for options", ["OPTIONS * HTTP/1.1", ...CLOSE]],
    ["with too many fields", ["GET / HTTP/1.1", ...manyFields(300), ...CLOSE]],
    ["with a head of 17 KiB", ["GET / HTTP/1.1", `X-Long: ${"x".repeat(17 << 10)}`, ...CLOSE]],
    ["with a head of 100 KiB", ["GET / HTTP/1.1", `X-Long: ${"x".repeat(100 << 10)}`, ...CLOSE]],
    ["with a space before a colon", ["GET / HTTP/1.1", "X-Name : x", ...CLOSE]],
    ["with a folded field", ["GET / HTTP/1.1", "X-Name: x", " y", ...CLOSE]],
    ["with a length below 0", ["POST /echo HTTP/1.1", HOST, "Content-Length: -1", "", ""]],
    ["with a chunk that is none", [...IN_CHUNKS, "xx", "hi", "0", "", ""]],
  ] as [string, string[]][]) {
    sameOnBoth(name, async (stage) => {
      serveHttp(stage);
      const wire = await Wire.open(stage.port);
      wire.write(...lines);
      await wire.end();
      // With which words is each one's own.
      stage.note(wire.received.slice(0, "HTTP/1.1 400".length));
      wire.close();
    });
  }

  const limited = { serve: { maxRequestBodySize: 10 } };
  for (const [name, lines] of [
    ["whose body is too long", ["POST /echo HTTP/1.1", HOST, "Content-Length: 11", "", ""]],
    ["whose chunks are too long", [...IN_CHUNKS, "b", "hello world", "0", "", ""]],
  ] as [string, string[]][]) {
    sameOnBoth(name, async (stage) => {
      serveHttp(stage, limited);
      const wire = await Wire.open(stage.port);
      wire.write(...lines);
      await wire.end();
      stage.note(wire.received.slice(0, "HTTP/1.1 413".length));
      stage.note(/connection: close/i.test(wire.received));
      wire.close();
    });
  }
});
