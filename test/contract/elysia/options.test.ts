/** Elysia's `.ws`: the options for WebSockets, wherever they may be given. */

import { describe } from "bun:test";
import { Elysia } from "elysia";

import { type Stage, sameOnBoth } from "../both";
import { noteMessages } from "../notes";

/** Notes whether the server takes a message of so many bytes, or with which code it closes. */
async function noteTaken(stage: Stage, path: string, bytes: number): Promise<void> {
  const client = await stage.connect(path);
  client.send("x".repeat(bytes));
  const answer = client.next().catch(() => "no answer");
  const end = client.closed.then(({ code }) => `closed with ${code}`);
  stage.note(path, bytes, await Promise.race([answer, end]));
}

const LIMITED = { maxPayloadLength: 20, message: (ws: Sending) => void ws.send("taken") };

interface Sending {
  send(text: string): unknown;
}

describe("an option is in force or not, as on Elysia itself, when it is given", () => {
  sameOnBoth("to a route", async (stage) => {
    stage.serve((app) => app.ws("/limited", LIMITED).ws("/other", { ...LIMITED, idleTimeout: 8 }));
    await noteTaken(stage, "/limited", 21);
    await noteTaken(stage, "/other", 21);
  });

  sameOnBoth("to a plugin", async (stage) => {
    const plugin = new Elysia({ websocket: { maxPayloadLength: 20 } }).ws("/plugin", {
      message: (ws) => void ws.send("taken"),
    });
    stage.serve((app) => app.use(plugin).ws("/app", { message: (ws) => void ws.send("taken") }));
    for (const path of ["/plugin", "/app"]) await noteTaken(stage, path, 21);
  });

  sameOnBoth("to the app, and then to a route", async (stage) => {
    stage.serve((app) => app.ws("/", { ...LIMITED, maxPayloadLength: 10 }), {
      websocket: { maxPayloadLength: 30 },
    });
    for (const bytes of [11, 30, 31]) await noteTaken(stage, "/", bytes);
  });

  sameOnBoth("to the app's serve, which has none of them", async (stage) => {
    stage.serve((app) => app.ws("/", LIMITED), {
      serve: { websocket: { maxPayloadLength: 30 } } as object,
    });
    await noteTaken(stage, "/", 31);
  });
});

describe("handlers of the app", () => {
  sameOnBoth("give way to those of the routes", async (stage) => {
    const heard: string[] = [];
    const hear = (name: string) => () => void heard.push(name);
    stage.serve((app) => app.ws("/", { open: (ws) => void ws.send("route") }), {
      websocket: { open: hear("open"), message: hear("message"), close: hear("close") } as object,
    });
    const client = await stage.connect();
    await noteMessages(stage, client, 1);
    client.send("x");
    await client.close();
    stage.note(heard);
  });

  sameOnBoth("take the place of none when they are for other events", async (stage) => {
    const heard: string[] = [];
    stage.serve(
      (app) =>
        app.ws("/", {
          ping() {
            throw new Error("from ping");
          },
          message: (ws) => void ws.send(heard.join()),
        }),
      { websocket: { error: (error: Error) => void heard.push(error.message) } as object },
    );
    const client = await stage.connect();
    client.socket.ping();
    client.send("?");
    await noteMessages(stage, client, 1);
  });
});

describe("perMessageDeflate", () => {
  for (const perMessageDeflate of [true, false, undefined]) {
    sameOnBoth(`of ${perMessageDeflate} is agreed on, or not`, async (stage) => {
      stage.serve((app) => app.ws("/", { message: (ws, body) => void ws.send(body) }), {
        websocket: { ...(perMessageDeflate !== undefined && { perMessageDeflate }) },
      });
      for (const asked of [true, false]) {
        const client = await stage.connect("/", { perMessageDeflate: asked });
        stage.note(asked, client.socket.extensions.split(";")[0]);
        client.send("text ".repeat(100));
        await noteMessages(stage, client, 1);
      }
    });
  }
});
