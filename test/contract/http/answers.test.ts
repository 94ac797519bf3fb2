/** Answers that are out of the ordinary: all of it arrives, and nothing of it is another's. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { sameOnBoth } from "../both";
import { CLOSE, HOST, normal, Wire } from "../wire";

/** What a client must never take for an answer. */
const FALSE_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

const BODIES: Record<string, () => ConstructorParameters<typeof Response>[0]> = {
  text: () => FALSE_ANSWER,
  stream: () => new Blob([FALSE_ANSWER]).stream(),
  file: () => Bun.file(new URL("../../fixtures/page.txt", import.meta.url).pathname),
};

const routes = (app: Elysia) =>
  app
    .get("/", () => "home")
    .get("/body/:kind/:status", ({ params: { kind, status } }) => {
      return new Response(BODIES[kind]?.(), { status: Number(status) });
    })
    .get("/length/:length", ({ params: { length } }) => {
      return new Response("hello", { headers: { "content-length": length } });
    })
    .get("/coding/:coding", ({ params: { coding } }) => {
      return new Response("hello", { headers: { "transfer-encoding": coding } });
    })
    .get("/fields/:count", ({ params: { count } }) => {
      const headers = new Headers();
      for (let n = 0; n < Number(count); n += 1) headers.append("set-cookie", `c${n}=1`);
      return new Response("fields", { headers });
    })
    .get("/long/:bytes", ({ params: { bytes } }) => {
      return new Response("long", { headers: { "x-long": "v".repeat(Number(bytes)) } });
    })
    .post("/unread", () => "unread", { parse: "none" });

describe("the head of an answer passes as with Bun", () => {
  for (const path of ["/fields/98", "/fields/120", "/fields/900", "/long/70000", "/long/200000"]) {
    sameOnBoth(path, async (stage) => {
      stage.serve(routes);
      const wire = await Wire.open(stage.port);
      wire.write(`GET ${path} HTTP/1.1`, ...CLOSE);
      await wire.end();
      stage.note(normal(wire.received));
    });
  }
});

describe("behind it comes the next answer, as with Bun", () => {
  const paths = ["/length/3", "/length/9", "/coding/gzip", "/coding/chunked"];
  for (const kind of Object.keys(BODIES)) {
    for (const status of [200, 204, 205, 304]) paths.push(`/body/${kind}/${status}`);
  }
  for (const method of ["GET", "HEAD"]) {
    for (const path of paths) {
      // What HEAD tells of a stream is a row of docs/parity.md.
      if (method === "HEAD" && path === "/body/stream/200") continue;
      sameOnBoth(`${method} ${path}`, async (stage) => {
        stage.serve(routes);
        const wire = await Wire.open(stage.port);
        wire.write(`${method} ${path} HTTP/1.1`, HOST, "", "");
        await wire.has("\r\n\r\n");
        // Another connection, so that it is another client's answer.
        const other = await Wire.open(stage.port);
        other.write("GET / HTTP/1.1", ...CLOSE);
        await other.end();
        stage.note(normal(other.received));
        wire.write("GET / HTTP/1.1", ...CLOSE);
        await wire.end();
        stage.note(normal(wire.received));
      });
    }
  }

  sameOnBoth("an upload that is answered unread", async (stage) => {
    stage.serve(routes);
    const wire = await Wire.open(stage.port);
    const upload = ["POST /unread HTTP/1.1", HOST, "Content-Length: 10", "", "12345"];
    wire.write(...upload);
    await wire.has("unread");
    const other = await Wire.open(stage.port);
    other.write("GET / HTTP/1.1", ...CLOSE);
    await other.end();
    stage.note(normal(other.received));
    wire.write("67890");
    wire.write("GET / HTTP/1.1", ...CLOSE);
    await wire.end();
    stage.note(normal(wire.received));
  });
});
