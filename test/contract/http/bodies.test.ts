/** Bodies of plain HTTP, both ways, while they come. */

import { describe } from "bun:test";
import { type Elysia, sse } from "elysia";

import { sameOnBoth, until } from "../both";
import { HOST, normal, Wire } from "../wire";

const echo = (app: Elysia) =>
  app.post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" });

describe("an upload is taken as by Bun", () => {
  sameOnBoth("that waits for 100 Continue", async (stage) => {
    stage.serve(echo);
    const wire = await Wire.open(stage.port);
    wire.write("POST /echo HTTP/1.1", HOST, "Content-Length: 5", "Expect: 100-continue", "", "");
    await wire.has("100 Continue");
    wire.write("hello");
    await wire.has("hello");
    stage.note(wire.received.startsWith("HTTP/1.1 100 Continue\r\n\r\n"));
    wire.close();
  });

  sameOnBoth("byte by byte", async (stage) => {
    stage.serve(echo);
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

describe("an upload is answered as by Bun", () => {
  sameOnBoth("when its client has ended its side behind it", async (stage) => {
    stage.serve(echo);
    const wire = await Wire.open(stage.port);
    wire.write("POST /echo HTTP/1.1", HOST, "Content-Length: 5", "", "hello");
    wire.halfClose();
    await wire.end();
    stage.note(normal(wire.received));
    wire.close();
  });

  sameOnBoth("before it is whole", async (stage) => {
    stage.serve((app) => app.post("/", () => "enough", { parse: "none" }).get("/", () => "home"));
    const wire = await Wire.open(stage.port);
    wire.write("POST / HTTP/1.1", HOST, "Content-Length: 9", "", "half");
    await wire.has("enough");
    wire.write(" done");
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("home");
    stage.note(normal(wire.received), wire.ended);
    wire.close();
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
    stage.serve((app) => app.get("/", () => "home"));
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

describe("an answer arrives piece by piece as on Bun", () => {
  /** Each piece is made when the one before has arrived. */
  function pieces() {
    const turns = ["one", "two", "six"].map((text) => ({ text, ...Promise.withResolvers<void>() }));
    turns[0]?.resolve();
    return turns;
  }

  sameOnBoth("from a stream", async (stage) => {
    const turns = pieces();
    stage.serve((app) =>
      app.get("/", () => {
        const left = [...turns];
        const body = new ReadableStream({
          async pull(controller) {
            const turn = left.shift();
            if (!turn) return controller.close();
            await turn.promise;
            controller.enqueue(new TextEncoder().encode(turn.text));
          },
        });
        return new Response(body);
      }),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    for (const [index, { text }] of turns.entries()) {
      await wire.has(text);
      turns[index + 1]?.resolve();
    }
    await wire.has("\r\n0\r\n\r\n");
    stage.note(normal(wire.received));
    wire.close();
  });

  sameOnBoth("as events of the server's", async (stage) => {
    const turns = pieces();
    stage.serve((app) =>
      app.get("/", async function* () {
        for (const [id, turn] of turns.entries()) {
          await turn.promise;
          yield sse({ id, event: "turn", data: turn.text });
        }
      }),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "Accept: text/event-stream", "", "");
    for (const [index, { text }] of turns.entries()) {
      await wire.has(`data: ${text}`);
      turns[index + 1]?.resolve();
    }
    await wire.has("\r\n0\r\n\r\n");
    stage.note(normal(wire.received).toLowerCase());
    wire.close();
  });

  sameOnBoth("until the client of its events goes away", async (stage) => {
    const ended: string[] = [];
    stage.serve((app) =>
      app.get("/", async function* ({ request }) {
        request.signal.addEventListener("abort", () => ended.push("aborted"));
        try {
          for (let id = 0; ; id += 1) {
            yield sse({ id, data: "tick" });
            await Bun.sleep(1);
          }
        } finally {
          ended.push("returned");
        }
      }),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("id: 3");
    wire.close();
    await until(() => ended.length === 2);
    stage.note(ended.toSorted());
  });
});
