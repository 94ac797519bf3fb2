/** Elysia's `.ws`: ends, backpressure and channels, through `ElysiaWS` rather than Bun's socket. */

import { describe } from "bun:test";

import { type Stage, sameOnBoth, until } from "../both";
import { noteAnswer, noteAnswers, noteMessages } from "../notes";

/** Serves a route that writes down each `close`, and answers the words of `acts`. */
function serveEnds(stage: Stage, acts: Record<string, (ws: Closable) => unknown>): unknown[] {
  const heard: unknown[] = [];
  stage.serve((app) =>
    app.ws("/", {
      message: (ws, word) => void acts[word as string]?.(ws as unknown as Closable),
      close(ws, code, reason) {
        heard.push([code, reason, ws.readyState, ws.send("late"), ws.subscribe("late")]);
      },
    }),
  );
  return heard;
}

interface Closable {
  publish(channel: string, data: unknown): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  send(data: unknown): number;
}

describe("close is told how a client ended", () => {
  const BY_CLIENT: [string, (client: Awaited<ReturnType<Stage["connect"]>>) => unknown][] = [
    ["a code and a reason", (client) => client.close(4000, "tired")],
    ["a code alone", (client) => client.close(1000)],
    ["no code", (client) => client.close()],
    ["a long reason", (client) => client.close(3000, "é".repeat(61))],
    ["no close frame", (client) => client.terminate()],
  ];
  for (const [name, end] of BY_CLIENT) {
    sameOnBoth(`by itself, with ${name}`, async (stage) => {
      const heard = serveEnds(stage, {});
      end(await stage.connect());
      await until(() => heard.length > 0);
      stage.note(heard);
    });
  }

  const BY_APP: [string, (ws: Closable) => void][] = [
    ["nothing said", (ws) => ws.close()],
    ["a code and a reason", (ws) => ws.close(4001, "enough")],
    ["a code alone", (ws) => ws.close(1001)],
    ["a long reason", (ws) => ws.close(4001, "x".repeat(123))],
    ["no close frame", (ws) => ws.terminate()],
    [
      "a last message",
      (ws) => {
        ws.send({ last: true });
        ws.close(4001);
      },
    ],
    [
      "two ends, of which the first counts",
      (ws) => {
        ws.close(4001, "first");
        ws.close(4002, "second");
        ws.terminate();
      },
    ],
  ];
  for (const [name, end] of BY_APP) {
    sameOnBoth(`by the app, with ${name}`, async (stage) => {
      const heard = serveEnds(stage, { end });
      const client = await stage.connect();
      const messages: string[] = [];
      client.socket.on("message", (data) => messages.push(String(data)));
      client.send("end");
      const { code, reason } = await client.closed;
      await until(() => heard.length > 0);
      stage.note(messages, code, reason, heard);
    });
  }

  for (const how of ["close", "terminate"] as const) {
    sameOnBoth(`before ${how} returns`, async (stage) => {
      let members = 0;
      const others: Closable[] = [];
      stage.serve((app) =>
        app.ws("/", {
          open(ws) {
            ws.subscribe("room");
            members += 1;
            others.push(ws as unknown as Closable);
          },
          message(ws) {
            stage.note("before", stage.server.pendingWebSockets);
            ws[how]();
            stage.note("after", ws.readyState, stage.server.pendingWebSockets);
            stage.note("published", ws.publish("room", "behind it"));
          },
          close(ws, code) {
            stage.note("close", code, stage.server.pendingWebSockets);
            stage.note("subscribers", stage.server.subscriberCount("room"), ws.raw.subscriptions);
            stage.note("published", ws.publish("room", "has left"), ws.publish("empty", "x"));
          },
        }),
      );
      const [one, two] = [await stage.connect(), await stage.connect()];
      await until(() => members === 2);
      one.send("end");
      await noteMessages(stage, two, 2);
      others[0]?.publish("room", "much later");
      await noteMessages(stage, two, 1);
    });
  }

  sameOnBoth("by the app before it had opened", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) =>
      app.ws("/", {
        open(ws) {
          ws.send("first");
          ws.close(4003, "at once");
          heard.push(`open ${ws.readyState}`);
        },
        message: () => void heard.push("message"),
        close: (_ws, code) => void heard.push(`close ${code}`),
      }),
    );
    const client = await stage.connect();
    stage.note(await client.next(), (await client.closed).code);
    await until(() => heard.length === 2);
    stage.note(heard);
  });
});

describe("what does not fit is held back", () => {
  sameOnBoth("and drain is told once all of it has gone", async (stage) => {
    let drained = 0;
    // More than a kernel keeps for a socket whose client does not read.
    const MESSAGES = Array.from({ length: 12 }, (_, n) => String(n).repeat(1 << 19));
    stage.serve((app) =>
      app.ws("/", {
        message(ws) {
          const answers = MESSAGES.map((message) => ws.send(message));
          stage.note("dropped", answers.includes(0));
        },
        drain(ws) {
          drained += 1;
          if (drained === 1) stage.note("drain", ws.readyState, typeof ws.id);
        },
      }),
    );
    const client = await stage.connect();
    client.socket.pause();
    client.send("go");
    await until(() => stage.transcript.length > 0);
    client.socket.resume();
    const messages = await client.take(MESSAGES.length);
    await until(() => drained > 0);
    stage.note("whole", messages.join() === MESSAGES.join());
  });
});

describe("channels are as on Elysia itself", () => {
  sameOnBoth("for those who subscribe, leave and come back", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message(ws, body) {
          const [verb, channel = ""] = (body as string).split(" ");
          if (verb === "join") return `${ws.subscribe(channel)} ${ws.isSubscribed(channel)}`;
          if (verb === "leave") return `${ws.unsubscribe(channel)} ${ws.isSubscribed(channel)}`;
          return ws.raw.subscriptions.toSorted().join() || "none";
        },
      }),
    );
    const words = [
      "list",
      "join a",
      "join b",
      "join a",
      "list",
      "leave a",
      "leave a",
      "list",
      "join a",
    ];
    await noteAnswers(stage, await stage.connect(), [...words, "list", "leave never"]);
  });

  sameOnBoth("for what one socket publishes to the others, as objects and bytes", async (stage) => {
    let members = 0;
    stage.serve((app) =>
      app.ws("/", {
        open(ws) {
          ws.subscribe("room");
          members += 1;
        },
        message(ws, body) {
          ws.publish("room", { from: "one", body });
          ws.publish("room", [1, "two", null]);
          ws.publish("room", Buffer.from([1, 2]));
          ws.publish("room", true as never);
          ws.send("sent");
        },
        close(ws) {
          ws.publish("room", "one left");
        },
      }),
    );
    const [one, two] = [await stage.connect(), await stage.connect()];
    await until(() => members === 2);
    one.send("hello");
    stage.note(await one.next());
    await noteMessages(stage, two, 4);
    await one.close();
    await noteMessages(stage, two, 1);
  });

  for (const publishToSelf of [true, false]) {
    sameOnBoth(`with publishToSelf ${publishToSelf}`, async (stage) => {
      stage.serve(
        (app) =>
          app.ws("/", {
            open: (ws) => void ws.subscribe("room"),
            message(ws, body) {
              ws.publish("room", body);
              ws.send("sent");
            },
          }),
        { websocket: { publishToSelf } },
      );
      const client = await stage.connect();
      client.send("hello");
      await noteMessages(stage, client, publishToSelf ? 2 : 1);
    });
  }

  sameOnBoth("for routes of plain HTTP that publish", async (stage) => {
    let members = 0;
    stage.serve((app) =>
      app
        .ws("/ws", {
          open(ws) {
            ws.subscribe("room");
            members += 1;
          },
        })
        .post("/say/:channel", ({ params, body, server }) =>
          server?.publish(params.channel, body as string),
        ),
    );
    const clients = [await stage.connect("/ws"), await stage.connect("/ws")];
    await until(() => members === 2);
    const init = { method: "POST", body: "hello", headers: { "content-type": "text/plain" } };
    await noteAnswer(stage, "/say/room", init);
    await noteAnswer(stage, "/say/empty", init);
    for (const client of clients) await noteMessages(stage, client, 1);
  });

  sameOnBoth("across routes", async (stage) => {
    let members = 0;
    const join = (ws: { subscribe(channel: string): unknown }) => {
      ws.subscribe("room");
      members += 1;
    };
    stage.serve((app) =>
      app
        .ws("/one", { open: join, message: (ws) => void ws.publish("room", "from one") })
        .ws("/two", {
          open: join,
        }),
    );
    const [one, two] = [await stage.connect("/one"), await stage.connect("/two")];
    await until(() => members === 2);
    one.send("go");
    await noteMessages(stage, two, 1);
  });
});

describe("cork", () => {
  sameOnBoth("runs at once, hands on what is returned, and keeps the order", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message(ws) {
          ws.send("before");
          const returned = ws.cork((corked) => {
            corked.send("inside");
            stage.note("is Bun's", (corked as unknown) === ws.raw);
            return 42;
          });
          stage.note("returns", returned);
          ws.send("after");
        },
      }),
    );
    const client = await stage.connect();
    client.send("go");
    await noteMessages(stage, client, 3);
  });

  sameOnBoth("throws what its callback throws", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        error: ({ error }) => (error as Error).message,
        message: (ws) =>
          void ws.cork(() => {
            throw new Error("in cork");
          }),
      }),
    );
    await noteAnswers(stage, await stage.connect(), ["go", "again"]);
  });
});
