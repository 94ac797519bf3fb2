/** Plain HTTP on the port of the sockets, byte by byte: what Bun answers, the door lets through. */

import { describe } from "bun:test";

import { type Stage, sameOnBoth, until } from "./both";
import { CLOSE, HOST, normal, UPGRADE, Wire } from "./wire";

function serveHttp(stage: Stage): void {
  stage.serve((app) =>
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
      .get("/file", () => Bun.file(new URL("../fixtures/page.txt", import.meta.url).pathname))
      .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" })
      .post("/length", async ({ request }) => (await request.arrayBuffer()).byteLength, {
        parse: "none",
      })
      .ws("/ws", { open: (ws) => void ws.send("in") }),
  );
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

describe("an upload is taken as by Bun", () => {
  sameOnBoth("that waits for 100 Continue", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    wire.write("POST /echo HTTP/1.1", HOST, "Content-Length: 5", "Expect: 100-continue", "", "");
    await wire.has("100 Continue");
    wire.write("hello");
    await wire.has("hello");
    stage.note(wire.received.startsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    wire.close();
  });

  sameOnBoth("byte by byte", async (stage) => {
    serveHttp(stage);
    const wire = await Wire.open(stage.port);
    const request = ["POST /echo HTTP/1.1", HOST, "Content-Length: 5", "", "hello"];
    for (const byte of request.join("\r\n")) {
      wire.write(byte);
      await Bun.sleep(0);
    }
    await wire.has("hello");
    stage.note(normal(wire.received));
    wire.close();
  });

  sameOnBoth("chunk by chunk as it comes", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) =>
      app.post(
        "/",
        async ({ request }) => {
          const decoder = new TextDecoder();
          for await (const chunk of request.body ?? []) heard.push(decoder.decode(chunk));
          return "done";
        },
        { parse: "none" },
      ),
    );
    const wire = await Wire.open(stage.port);
    wire.write("POST / HTTP/1.1", HOST, "Transfer-Encoding: chunked", "", "");
    for (const chunk of ["one", "two", "six"]) {
      wire.write("3", chunk, "");
      await until(() => heard.join("").endsWith(chunk));
    }
    wire.write("0", "", "");
    await wire.has("done");
    stage.note(heard.join(""));
    wire.close();
  });

  sameOnBoth("whose client goes away in the middle", async (stage) => {
    const ended: string[] = [];
    stage.serve((app) =>
      app
        .post(
          "/",
          async ({ request }) => {
            request.signal.addEventListener("abort", () => ended.push("aborted"));
            await request.arrayBuffer().catch(() => {});
            return "?";
          },
          { parse: "none" },
        )
        .get("/", () => "home"),
    );
    const wire = await Wire.open(stage.port);
    wire.write("POST / HTTP/1.1", HOST, "Content-Length: 100", "", "only some");
    await until(() => stage.server.pendingRequests === 1);
    wire.close();
    await until(() => ended.length > 0);
    stage.note(ended);
  });
});

describe("a download ends as on Bun", () => {
  sameOnBoth("when its client goes away", async (stage) => {
    const ended: string[] = [];
    stage.serve((app) =>
      app.get("/", ({ request }) => {
        request.signal.addEventListener("abort", () => ended.push("aborted"));
        return new Response(
          new ReadableStream({
            async pull(controller) {
              await Bun.sleep(1);
              controller.enqueue(new Uint8Array(1000));
            },
            cancel: () => void ended.push("cancelled"),
          }),
        );
      }),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("\0\0\0\0");
    wire.close();
    await until(() => ended.includes("cancelled"));
    stage.note("cancelled");
  });

  sameOnBoth("when its client has said all, and still reads", async (stage) => {
    stage.serve((app) =>
      app.get("/", async () => {
        await Bun.sleep(20);
        return "late";
      }),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    wire.halfClose();
    await wire.end();
    stage.note(normal(wire.received));
    wire.close();
  });

  sameOnBoth("when its source breaks", async (stage) => {
    stage.serve((app) =>
      app.get(
        "/",
        () =>
          new Response(
            new ReadableStream({
              async start(controller) {
                controller.enqueue(new TextEncoder().encode("begun"));
                await Bun.sleep(5);
                controller.error(new Error("broken"));
              },
            }),
          ),
      ),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.end();
    stage.note(wire.received.includes("begun"), wire.received.endsWith("0\r\n\r\n"));
  });
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
