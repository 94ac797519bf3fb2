/**
 * What Elysia's own tests of `.ws` look at and the files beside this one do not: an app that
 * listens on a port alone, and answers requests that come over no socket; Bun's own client, and how
 * it sees an end; methods that are taken off their socket.
 */

import { describe } from "bun:test";

import { within } from "../../helpers/client";
import { type Stage, sameOnBoth, until } from "../both";
import { noteAnswer, noteMessages } from "../notes";

/** A client as apps have it, of Bun's own. */
async function dial(stage: Stage, path = "/", host = "127.0.0.1"): Promise<WebSocket> {
  const client = new WebSocket(`ws://${host}:${stage.port}${path}`);
  await heard(client, "open");
  return client;
}

/** The next event of this kind. */
function heard<Kind extends keyof Bun.WebSocketEventMap>(client: WebSocket, kind: Kind) {
  const event = new Promise<Bun.WebSocketEventMap[Kind]>((resolve) => {
    client.addEventListener(kind, resolve, { once: true });
  });
  return within(event, kind);
}

/** Ends a client, and waits until it has gone. */
async function hangUp(client: WebSocket): Promise<void> {
  const closed = heard(client, "close");
  client.close();
  await closed;
}

describe("an app that listens on a port alone", () => {
  sameOnBoth("knows the address of a client", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (ws) => ws.remoteAddress }), {}, 0);
    const client = await dial(stage);
    client.send("who am I?");
    stage.note((await heard(client, "message")).data);
    await hangUp(client);
  });

  sameOnBoth("is reached by the name that the server gives itself", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (_ws, body) => body }), {}, 0);
    stage.note(stage.server.hostname, stage.server.url.hostname);
    const client = await dial(stage, "/", stage.server.hostname);
    client.send("hello");
    stage.note((await heard(client, "message")).data);
    await hangUp(client);
  });

  sameOnBoth("is stopped without anybody waiting for it", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (_ws, body) => body }), {}, 0);
    const { app, port } = stage;
    await hangUp(await dial(stage));
    void app.stop();
    stage.note(app.server);
    stage.note(await fetch(`http://127.0.0.1:${port}/`).catch(() => "refused"));
  });

  sameOnBoth("is stopped while a client stays", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (_ws, body) => body }), {}, 0);
    const { app } = stage;
    const client = await dial(stage);
    void app.stop();
    client.send("still here");
    stage.note((await heard(client, "message")).data);
    await hangUp(client);
  });
});

describe("an app that listens answers `handle`", () => {
  sameOnBoth("by the plain routes of paths that have a socket, too", async (stage) => {
    const app = stage.serve((app) =>
      app
        .ws("/get", { open: (ws) => void ws.send("socket") })
        .get("/get", () => "get")
        .all("/all", () => "all")
        .ws("/all", { open: (ws) => void ws.send("socket") })
        .ws("/get/:id", { open: (ws) => void ws.send(`socket ${ws.data.params.id}`) })
        .get("/get/:id", ({ params }) => `get ${params.id}`)
        .all("/all/:id", ({ params }) => `all ${params.id}`)
        .ws("/all/:id", { open: (ws) => void ws.send(`socket ${ws.data.params.id}`) }),
    );
    for (const path of ["/get", "/all", "/get/1", "/all/1"]) {
      stage.note(path, await (await stage.connect(path)).next());
      stage.note(await (await app.handle(new Request(`http://localhost${path}`))).text());
      await noteAnswer(stage, path, { method: "POST" });
    }
  });

  sameOnBoth("with nothing where there is a socket alone", async (stage) => {
    const app = stage.serve((app) => app.ws("/ws", {}));
    const answer = await app.handle(new Request("http://localhost/ws"));
    stage.note(answer.status, await answer.text());
  });
});

describe("Bun's own client is told how it ended", () => {
  const ENDS: [string, (ws: Endable) => void][] = [
    ["by close", (ws) => ws.close()],
    ["by close with a code and a reason", (ws) => ws.close(4001, "enough")],
    ["by terminate", (ws) => ws.terminate()],
  ];
  interface Endable {
    close(code?: number, reason?: string): void;
    terminate(): void;
  }
  for (const [name, end] of ENDS) {
    sameOnBoth(name, async (stage) => {
      stage.serve((app) => app.ws("/", { message: (ws) => end(ws as unknown as Endable) }));
      const client = await dial(stage);
      client.send("end it");
      const { wasClean, code, reason } = await heard(client, "close");
      stage.note(wasClean, code, reason);
    });
  }

  sameOnBoth("by itself", async (stage) => {
    const ends: unknown[] = [];
    stage.serve((app) => app.ws("/", { close: (_ws, ...end) => void ends.push(end) }));
    const client = await dial(stage);
    client.close(4002, "done");
    const { wasClean, code, reason } = await heard(client, "close");
    await until(() => ends.length === 1);
    stage.note(wasClean, code, reason, ends);
  });

  sameOnBoth("by the stop of the app", async (stage) => {
    const app = stage.serve((app) => app.ws("/", {}));
    const client = await dial(stage);
    const closed = heard(client, "close");
    await app.stop(true);
    const { wasClean, code } = await closed;
    stage.note(wasClean, code);
  });

  sameOnBoth("and its pings and pongs are heard", async (stage) => {
    const seen: string[] = [];
    stage.serve((app) =>
      app.ws("/", { ping: () => void seen.push("ping"), pong: () => void seen.push("pong") }),
    );
    const client = await dial(stage);
    client.ping();
    client.pong();
    await until(() => seen.length === 2);
    stage.note(seen);
  });
});

describe("methods that are taken off their socket", () => {
  sameOnBoth("do as they do on it", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        open(ws) {
          const { subscribe, isSubscribed, unsubscribe, publish, publishText, publishBinary } = ws;
          const { send, sendText, sendBinary, ping, pong, cork } = ws;
          stage.note(subscribe("room"), isSubscribed("room"), unsubscribe("room"));
          stage.note(publish("room", "text"), publishText("room", "text"));
          stage.note(publishBinary("room", new Uint8Array([1])));
          stage.note(send({ by: "send" }), sendText("text"), sendBinary(new Uint8Array([2])));
          stage.note(ping("there?"), pong("here"));
          stage.note(cork(() => "corked"));
        },
      }),
    );
    await noteMessages(stage, await stage.connect(), 3);
  });

  for (const how of ["close", "terminate"] as const) {
    sameOnBoth(`end it by ${how}`, async (stage) => {
      stage.serve((app) =>
        app.ws("/", {
          open(ws) {
            const { [how]: end } = ws;
            end();
          },
        }),
      );
      stage.note((await (await stage.connect()).closed).code);
    });
  }
});
