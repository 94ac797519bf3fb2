/** Elysia's `.ws`: what becomes of a message, of what handlers answer and of what they throw. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { sameOnBoth, until } from "../both";
import { noteAnswers, noteMessages } from "../notes";

/** Throws `message`, as a function can that is called in an expression. */
function fail(message: string): never {
  throw new Error(message);
}

describe("a message reaches its handler", () => {
  sameOnBoth("as what its text looks like", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message: (ws, body) => void ws.send(`${typeof body} ${JSON.stringify(body)}`),
      }),
    );
    const numbers = [
      "0",
      "-5",
      "1e3",
      "007",
      " 12",
      "0x1f",
      "1_000",
      "Infinity",
      "NaN",
      "9".repeat(20),
    ];
    const others = ["", " ", "undefined", "TRUE", '"quoted"', "/path", "/a/g", "[1,", "{", "é 🎉"];
    await noteAnswers(stage, await stage.connect(), [...numbers, ...others]);
  });

  sameOnBoth("as bytes, by the socket's binaryType", async (stage) => {
    stage.serve((app) => {
      for (const type of ["nodebuffer", "arraybuffer", "uint8array"] as const) {
        app.ws(`/${type}`, {
          open(ws) {
            stage.note("before", ws.binaryType, ws.raw.binaryType);
            ws.raw.binaryType = type;
            ws.send("set");
          },
          message(ws, body) {
            stage.note(ws.binaryType, body);
            ws.send("heard");
          },
        });
      }
    });
    for (const type of ["nodebuffer", "arraybuffer", "uint8array"]) {
      const client = await stage.connect(`/${type}`);
      stage.note(await client.next());
      await noteAnswers(stage, client, [new Uint8Array([1, 2, 3]), new Uint8Array()]);
    }
  });

  sameOnBoth("whole, however large and in however many pieces", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message: (ws, body) =>
          void ws.send(`${(body as string).length} ${(body as string).at(-1)}`),
      }),
    );
    const client = await stage.connect();
    client.send(`${"x".repeat(1_000_000)}1`);
    client.socket.send("é".repeat(1000), { fin: false });
    client.socket.send("y".repeat(70_000), { fin: false });
    client.socket.send("2", { fin: true });
    await noteMessages(stage, client, 2);
  });

  sameOnBoth("after the first parser that makes something of it", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        parse: [
          (_ws, body) => (body === "first" ? { by: "the first" } : undefined),
          async (_ws, body) => {
            await Bun.sleep(1);
            return body === "second" ? { by: "the second" } : undefined;
          },
          (ws, body) =>
            body === "third" ? { by: `the third, of ${ws.remoteAddress}` } : undefined,
        ],
        message: (ws, body) => void ws.send(body),
      }),
    );
    const messages = ["first", "second", "third", "none", '{"by":"itself"}'];
    await noteAnswers(stage, await stage.connect(), messages);
  });

  sameOnBoth("which is a method of the route's options", async (stage) => {
    const options = {
      greeting: "hello",
      upgrade(this: { greeting: string }) {
        stage.note("upgrade", this.greeting);
      },
      message(this: { greeting: string }, ws: { send(message: string): unknown }) {
        ws.send(this.greeting);
      },
    };
    stage.serve((app) => app.ws("/", options as object));
    await noteAnswers(stage, await stage.connect(), ["?"]);
  });

  sameOnBoth("and is ws.body", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        open: (ws) => void ws.send(`open ${ws.body}`),
        message: (ws) => void ws.send({ body: ws.body }),
      }),
    );
    const client = await stage.connect();
    stage.note(await client.next());
    await noteAnswers(stage, client, ["[1]", "text"]);
  });
});

describe("what a handler answers is sent", () => {
  const ANSWERS: [string, () => unknown][] = [
    ["text", () => "text"],
    ["nothing said", () => ""],
    ["zero", () => 0],
    ["false", () => false],
    ["null", () => null],
    ["bigint", () => 12345678901234567890n],
    ["array", () => [1, { a: null }]],
    ["date", () => new Date(0)],
    ["Buffer", () => Buffer.from("bytes")],
    ["Uint8Array", () => new Uint8Array([1, 2])],
    ["error", () => new Error("returned")],
    ["map", () => new Map([["a", 1]])],
    ["response", () => new Response("response")],
    ["promise", () => Promise.resolve({ later: true })],
    ["promise of a promise", async () => Promise.resolve("deep")],
  ];

  sameOnBoth("whatever it returns", async (stage) => {
    stage.serve((app) =>
      app.ws("/", { message: (_ws, index) => ANSWERS[index as number]?.[1]() as string }),
    );
    const client = await stage.connect();
    for (const [index, [name]] of ANSWERS.entries()) {
      client.send(String(index));
      stage.note(name, await client.next());
    }
  });

  sameOnBoth("whatever it yields", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/sync", {
          *message() {
            for (const [, answer] of ANSWERS.slice(0, 5)) yield answer() as string;
            return "returned at the end";
          },
        })
        .ws("/async", {
          async *message() {
            for (const [, answer] of ANSWERS.slice(0, 5)) {
              await Bun.sleep(0);
              yield answer() as string;
            }
            return "returned at the end";
          },
        }),
    );
    for (const path of ["/sync", "/async"]) {
      const client = await stage.connect(path);
      client.send("go");
      await noteMessages(stage, client, 5);
    }
  });

  sameOnBoth("whichever hook it is", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/open", { open: () => "from open" })
        .ws("/later", {
          async open() {
            await Bun.sleep(1);
            return { from: "open" };
          },
        })
        .ws("/generator", {
          async *open() {
            yield "one";
            yield "two";
          },
        }),
    );
    await noteMessages(stage, await stage.connect("/open"), 1);
    await noteMessages(stage, await stage.connect("/later"), 1);
    await noteMessages(stage, await stage.connect("/generator"), 2);
  });

  sameOnBoth("before what a slower one answers", async (stage) => {
    const gate = Promise.withResolvers<void>();
    stage.serve((app) =>
      app.ws("/", {
        async message(_ws, body) {
          if (body === "slow") await gate.promise;
          if (body === "quick") gate.resolve();
          return `answer to ${body}`;
        },
      }),
    );
    const client = await stage.connect();
    client.send("slow");
    client.send("quick");
    // The answer to "quick" resolves first: the gate opens in its handler.
    stage.note((await client.take(2)).toSorted());
  });

  sameOnBoth("not at all once the client is closed", async (stage) => {
    const gate = Promise.withResolvers<void>();
    const heard: unknown[] = [];
    stage.serve((app) =>
      app.ws("/", {
        async message(ws) {
          await gate.promise;
          heard.push(["send", ws.send("late"), ws.readyState]);
          return "later still";
        },
        close: () => void heard.push("closed"),
      }),
    );
    const client = await stage.connect();
    client.send("go");
    await client.close();
    await until(() => heard.length === 1);
    gate.resolve();
    await until(() => heard.length === 2);
    stage.note(heard);
  });
});

describe("what a handler throws", () => {
  /** Routes that throw in every way, with a hook for errors or without. */
  const throwing = (app: Elysia, heard: string[]) =>
    app
      .onError(({ error, code }) => {
        heard.push(`${code}: ${(error as Error).message}`);
        return `told: ${(error as Error).message}`;
      })
      .ws("/open", { open: () => fail("open") })
      .ws("/open-later", {
        async open() {
          await Bun.sleep(1);
          fail("open, later");
        },
      })
      .ws("/message", { message: (_ws, body) => fail(`message ${body}`) })
      .ws("/later", {
        async message(_ws, body) {
          await Bun.sleep(1);
          fail(`later ${body}`);
        },
      })
      .ws("/generator", {
        *message() {
          yield "one";
          fail("generator");
        },
      })
      .ws("/async-generator", {
        async *message() {
          yield "one";
          await Bun.sleep(1);
          fail("async generator");
        },
      });

  sameOnBoth("goes to the hook for errors, whose answer is sent", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) => throwing(app, heard));
    await noteMessages(stage, await stage.connect("/open"), 1);
    await noteMessages(stage, await stage.connect("/open-later"), 1);
    for (const path of ["/message", "/later"]) {
      await noteAnswers(stage, await stage.connect(path), ["a", "b"]);
    }
    for (const path of ["/generator", "/async-generator"]) {
      const client = await stage.connect(path);
      client.send("go");
      await noteMessages(stage, client, 2);
    }
    stage.note(heard);
  });

  sameOnBoth("is passed over in silence without one, and the client stays", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        open: () => fail("open"),
        message: (_ws, body) => (body === "bad" ? fail("message") : "still here"),
      }),
    );
    const client = await stage.connect();
    client.send("bad");
    await noteAnswers(stage, client, ["good"]);
  });

  sameOnBoth("in close goes to the hook for errors, too", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) =>
      app.ws("/", {
        error: ({ error }) => void heard.push((error as Error).message),
        close: () => fail("close"),
      }),
    );
    await (await stage.connect()).close();
    await until(() => heard.length > 0);
    stage.note(heard);
  });

  sameOnBoth("goes to the route's own hooks before the app's, until one answers", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) =>
      app
        .onError(() => void heard.push("the app"))
        .ws("/all", {
          error: [() => void heard.push("first"), () => void heard.push("second")],
          message: () => fail("all"),
        })
        .ws("/first", {
          error: [() => "answered", () => void heard.push("never")],
          message: () => fail("first"),
        })
        .ws("/end", { message: () => JSON.stringify(heard) }),
    );
    const all = await stage.connect("/all");
    all.send("go");
    await until(() => heard.length === 3);
    await noteAnswers(stage, await stage.connect("/first"), ["go"]);
    await noteAnswers(stage, await stage.connect("/end"), ["?"]);
  });

  sameOnBoth("may be a status, which is an answer like any other", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message: (ws, body) => (body === "return" ? (ws.data as never) && "ok" : fail("x")),
        error: ({ status }) => status(418, "teapot"),
      }),
    );
    await noteAnswers(stage, await stage.connect(), ["return", "throw"]);
  });
});
