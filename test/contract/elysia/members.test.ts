/**
 * Elysia's `.ws`: what its handlers find on a socket, in its data, and in the context of an error.
 */

import { describe } from "bun:test";
import type { Elysia } from "elysia";
import { t } from "elysia";

import { sameOnBoth, until } from "../both";
import { noteAnswers, noteMessages } from "../notes";

describe("the members of a socket are", () => {
  sameOnBoth("those that Elysia gives it", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        open(ws) {
          const members = membersOf(ws).toSorted();
          for (const name of members) stage.note(name, typeof ws[name as keyof typeof ws]);
          ws.send("noted");
        },
      }),
    );
    await noteMessages(stage, await stage.connect(), 1);
  });

  sameOnBoth("those of its data", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        open(ws) {
          const data = { ...ws.data } as Record<string, unknown>;
          for (const name of Object.keys(data).toSorted()) stage.note(name, typeof data[name]);
          stage.note(data.id === ws.id);
          ws.send("noted");
        },
      }),
    );
    await noteMessages(stage, await stage.connect(), 1);
  });

  sameOnBoth("those that the app has names in common with", async (stage) => {
    const names = ["id", "open", "message", "drain", "close", "ping", "pong", "validator"];
    stage.serve((app: Elysia) =>
      app
        .decorate({ open: "opened", message: "told", validator: "checked", raw: "uncooked" })
        .derive(() => ({ id: "of mine", close: "shut" }))
        .ws("/", {
          open: (ws) => void ws.send("hello"),
          message(ws) {
            const data = ws.data as Record<string, unknown>;
            for (const name of names) stage.note(name, typeof data[name]);
            stage.note(data.id === "of mine", data.id === ws.id, data.raw);
            return "noted";
          },
        }),
    );
    const client = await stage.connect();
    client.send("?");
    await noteMessages(stage, client, 2);
  });

  sameOnBoth("what a handler puts in their place, while it runs", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        open(ws) {
          const { send } = ws;
          ws.send = (data) => send(`changed ${data}`);
          ws.send("hello");
          Object.assign(ws, { remoteAddress: "elsewhere", subscriptions: ["all"] });
          stage.note(ws.remoteAddress, ws.subscriptions, ws.raw.remoteAddress);
        },
        message: (ws) => void ws.send("not changed"),
      }),
    );
    const client = await stage.connect();
    client.send("?");
    await noteMessages(stage, client, 2);
  });

  sameOnBoth("the same for as long as a handler runs", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        open(ws) {
          const { send, close, subscribe } = ws;
          stage.note(ws.send === send, ws.close === close, ws.subscribe === subscribe);
          ws.send("noted");
        },
      }),
    );
    await noteMessages(stage, await stage.connect(), 1);
  });

  sameOnBoth("no way to another binaryType", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        open(ws) {
          ws.binaryType = "arraybuffer";
          stage.note(ws.binaryType, ws.raw.binaryType);
          ws.send("opened");
        },
        message: (ws, body) => void ws.send(body),
      }),
    );
    const client = await stage.connect();
    client.send(new Uint8Array([1, 2]));
    await noteMessages(stage, client, 2);
  });

  sameOnBoth("what checks its messages, for a function that is `upgrade`, too", async (stage) => {
    stage.serve((app: Elysia) =>
      app.ws("/", {
        response: t.String(),
        upgrade: (context: object) => stage.note("validator", "validator" in context),
        open: (ws) => void ws.send(typeof ws.validator),
      }),
    );
    await noteMessages(stage, await stage.connect(), 1);
  });
});

describe("a hook for errors is given", () => {
  sameOnBoth("the context of the upgrade, and all that was put there", async (stage) => {
    const known = new WeakSet<object>();
    stage.serve((app: Elysia) =>
      app
        .decorate("message", "of the app")
        .derive((context) => {
          known.add(context);
          return { id: 5, close: () => "mine", tries: 0 };
        })
        .onError((context) => {
          const { id, close, error, message, server } = context as never as Record<string, unknown>;
          const found = context as never as { tries: number };
          found.tries += 1;
          stage.note(id, (close as () => string)(), message, (error as Error).message, found.tries);
          stage.note(known.has(context), server === stage.server, "own" in context);
          return "answered";
        })
        .ws("/", {
          open: (ws) => void Object.assign(ws.data, { own: true }),
          message(_ws, body) {
            throw new Error(String(body));
          },
        }),
    );
    await noteAnswers(stage, await stage.connect(), ["one", "two"]);
  });
});

describe("what is wrapped around the app is given", () => {
  sameOnBoth("a response, though the client has its socket by then", async (stage) => {
    let answered = false;
    stage.serve((app: Elysia) =>
      app
        .wrap((handle) => async (request: Request) => {
          const response = await (handle as (request: Request) => unknown)(request);
          stage.note(response instanceof Response);
          answered = true;
          return response as Response;
        })
        .ws("/", { open: (ws) => void ws.send("in") }),
    );
    const client = await stage.connect();
    await until(() => answered);
    await noteMessages(stage, client, 1);
  });
});

/** Names of what an object has and inherits, but for what all have. */
function membersOf(thing: object): string[] {
  const names = new Set<string>();
  for (let at = thing; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}
