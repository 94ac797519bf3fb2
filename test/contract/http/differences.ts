/** What differs from Bun's plain HTTP on purpose: a look at each. */

import { expect } from "bun:test";
import type { Elysia } from "elysia";

import { onEach, type Stage, until } from "../both";
import { CLOSE, HOST, Wire } from "../wire";

const LIMITED = { serve: { maxRequestBodySize: 10 } };

const routes = (app: Elysia) =>
  app
    .get("/", () => "home")
    .get("/stream", async function* () {
      yield "one";
      await Bun.sleep(1);
      yield "two";
    })
    .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" })
    .post("/unread", () => "unread", { parse: "none" });

/** What each answers to these lines, until it ends the connection. */
function answers(...lines: string[]): Promise<[builtIn: string, sharded: string]> {
  return onEach(async (stage) => {
    stage.serve(routes, LIMITED);
    const wire = await Wire.open(stage.port);
    wire.write(...lines);
    await wire.end();
    wire.close();
    return wire.received;
  });
}

/** The status of what is answered to a GET. */
async function statusOf(stage: Stage, path: string): Promise<number> {
  const wire = await Wire.open(stage.port);
  wire.write(`GET ${path} HTTP/1.1`, ...CLOSE);
  await wire.has("\r\n\r\n");
  wire.close();
  return Number(wire.received.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
}

/** How an upload of unknown length begins, on a connection that is to end. */
const IN_CHUNKS = (path: string) => [
  `POST ${path} HTTP/1.1`,
  ...CLOSE.slice(0, 2),
  "Transfer-Encoding: chunked",
  "",
];

const TOO_LONG = ["b", "hello world", "0", "", ""];

export const HTTP_DIFFERENCES: Record<string, () => Promise<void>> = {
  async "HTTP/1.0"() {
    const asks = (stage: Stage) => async () => {
      stage.serve(routes);
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.0", HOST, "Connection: keep-alive", "", "");
      await wire.has("home");
      wire.write("GET / HTTP/1.0", HOST, "", "");
      await wire.end();
      wire.close();
      return wire.received.match(/HTTP\/1\.[01] 200/g);
    };
    const [builtIn, sharded] = await onEach((stage) => asks(stage)());
    expect(builtIn).toEqual(["HTTP/1.1 200"]);
    expect(sharded).toEqual(["HTTP/1.0 200", "HTTP/1.0 200"]);
  },

  async CONNECT() {
    const [builtIn, sharded] = await answers("CONNECT other.test:80 HTTP/1.1", ...CLOSE);
    expect(builtIn).toStartWith("HTTP/1.1 404");
    expect(sharded).toStartWith("HTTP/1.1 501");
  },

  async "trailers of an upload"() {
    const lines = [...IN_CHUNKS("/echo"), "2", "hi", "0", "X-Sum: 1", "", ""];
    const [builtIn, sharded] = await answers(...lines);
    expect(builtIn).toContain("hiHTTP/1.1 400");
    expect(sharded).toEndWith("hi");
  },

  async "HEAD of a stream"() {
    const [builtIn, sharded] = await answers("HEAD /stream HTTP/1.1", ...CLOSE);
    expect(builtIn).toMatch(/transfer-encoding: chunked/i);
    expect(sharded).not.toMatch(/transfer-encoding|content-length/i);
  },

  async "a rejection by the server itself"() {
    const length = ["POST /echo HTTP/1.1", HOST, "Content-Length: 11", "", ""];
    const [builtIn, sharded] = await answers(...length);
    expect(builtIn).toEndWith("Connection: close\r\n\r\n");
    expect(sharded).toEndWith("the body of the request is too long\n");
  },

  async "a chunked body that is too long and that the handler does not read"() {
    const [builtIn, sharded] = await answers(...IN_CHUNKS("/unread"), ...TOO_LONG);
    expect(builtIn).toEndWith("unread");
    expect(sharded).toStartWith("HTTP/1.1 413");
  },

  async "100-continue for a body that is too long"() {
    const expecting = ["POST /echo HTTP/1.1", HOST, "Content-Length: 11", "Expect: 100-continue"];
    const [builtIn, sharded] = await answers(...expecting, "", "");
    expect(builtIn).toMatch(/^HTTP\/1\.1 100 [\s\S]*HTTP\/1\.1 413/);
    expect(sharded).toStartWith("HTTP/1.1 413");
  },

  async "an upload that the client cuts short"() {
    const cut = async (stage: Stage) => {
      stage.serve(routes);
      const wire = await Wire.open(stage.port);
      wire.write("POST /echo HTTP/1.1", HOST, "Content-Length: 5", "", "hi");
      wire.halfClose();
      await wire.end();
      wire.close();
      return wire.received;
    };
    const [builtIn, sharded] = await onEach(cut);
    expect(builtIn).toBe("");
    expect(sharded).toStartWith("HTTP/1.1 400");
  },

  async "a client that half-closes after its request"() {
    const ask = async (stage: Stage) => {
      stage.serve((app) =>
        app.get("/late", async () => {
          await Bun.sleep(1);
          return "late";
        }),
      );
      const wire = await Wire.open(stage.port);
      wire.write("GET /late HTTP/1.1", HOST, "", "");
      wire.halfClose();
      await wire.end();
      wire.close();
      return wire.received;
    };
    const [builtIn, sharded] = await onEach(ask);
    expect(builtIn).toBe("");
    expect(sharded).toEndWith("late");
  },

  async "a request head that never arrives"() {
    const pause = async (stage: Stage) => {
      stage.serve(routes);
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", "");
      await Promise.race([wire.end(), Bun.sleep(500)]);
      wire.write(...CLOSE);
      await wire.end();
      wire.close();
      return wire.received;
    };
    const [builtIn, sharded] = await onEach(pause, { headTimeoutMs: 1 });
    expect(builtIn).toEndWith("home");
    expect(sharded).toBe("");
  },

  async "an answer with a head over 256 KiB or more than 1,000 fields"() {
    const ask = async (stage: Stage) => {
      stage.serve((app) =>
        app
          .get("/long", () => new Response("", { headers: { "x-long": "v".repeat(300_000) } }))
          .get("/many", () => {
            const headers = new Headers();
            for (let n = 0; n < 1100; n += 1) headers.append("set-cookie", `c${n}=1`);
            return new Response("", { headers });
          }),
      );
      return [await statusOf(stage, "/long"), await statusOf(stage, "/many")];
    };
    const [builtIn, sharded] = await onEach(ask);
    expect(builtIn).toEqual([200, 200]);
    expect(sharded).toEqual([502, 502]);
  },

  async "an answer with status 101 to a request that is not an upgrade"() {
    const [builtIn, sharded] = await onEach((stage) => {
      stage.serve((app) => app.get("/", () => new Response(null, { status: 101 })));
      return statusOf(stage, "/");
    });
    expect([builtIn, sharded]).toEqual([101, 502]);
  },

  async "more than maxHttpRequests (10,000) requests in progress"() {
    const ask = async (stage: Stage) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      stage.serve((app) => app.get("/", "home").get("/slow", () => promise));
      const slow = fetch(`http://127.0.0.1:${stage.port}/slow`);
      await until(() => stage.server.pendingRequests === 1);
      const status = await statusOf(stage, "/");
      resolve("slow");
      await slow;
      return status;
    };
    const [builtIn, sharded] = await onEach(ask, { maxHttpRequests: 1 });
    expect([builtIn, sharded]).toEqual([200, 503]);
  },

  async "requestIP after the answer"() {
    const lookBack = async (stage: Stage) => {
      const requests: Request[] = [];
      stage.serve((app) => app.get("/", ({ request }) => void requests.push(request)));
      await (await fetch(`http://127.0.0.1:${stage.port}/`)).text();
      await until(() => stage.server.pendingRequests === 0);
      return stage.server.requestIP(requests[0] as Request)?.address;
    };
    const [builtIn, sharded] = await onEach(lookBack);
    expect(builtIn).toBeUndefined();
    expect(sharded).toBe("127.0.0.1");
  },
};
