/** Elysia's `.ws`: the headers and cookies of an upgrade, and what a socket knows of it. */

import { describe } from "bun:test";

import type { ConnectOptions } from "../../helpers/client";
import { type Stage, sameOnBoth, until } from "../both";
import { noteMessages, noteRefusal } from "../notes";

/** Connects, or is refused, and notes the headers of the answer that the app may choose. */
async function noteHeaders(stage: Stage, path: string, options?: ConnectOptions): Promise<void> {
  const upgraded = stage.connect(path, options).then(({ upgrade, socket }) => {
    const headers = Object.entries(upgrade).filter(([name]) => /^(x-|set-cookie)/.test(name));
    stage.note(path, Object.fromEntries(headers.toSorted()), `protocol ${socket.protocol}`);
  });
  await upgraded.catch(() => noteRefusal(stage, path, options?.headers));
}

describe("the answer to an upgrade has", () => {
  sameOnBoth("the headers that any hook has set", async (stage) => {
    stage.serve((app) =>
      app
        .headers({ "x-app": "app" })
        .onRequest(({ set }) => void Object.assign(set.headers, { "x-request": "request" }))
        .derive(({ set }) => void Object.assign(set.headers, { "x-derive": "derive" }))
        .ws("/function", {
          beforeHandle: ({ set }) => void Object.assign(set.headers, { "x-before": "before" }),
          upgrade: ({ set }) => void Object.assign(set.headers, { "x-upgrade": "upgrade" }),
        })
        .ws("/async", {
          async upgrade({ set }) {
            await Bun.sleep(1);
            set.headers["x-upgrade"] = "later";
          },
        })
        .ws("/returned", { upgrade: () => ({ "x-upgrade": "returned" }) })
        .ws("/object", { upgrade: { "X-Upgrade": "object", "x-number": 5 } }),
    );
    for (const path of ["/function", "/async", "/returned", "/object"]) {
      await noteHeaders(stage, path);
    }
  });

  sameOnBoth("every cookie, with its attributes", async (stage) => {
    stage.serve(
      (app) =>
        app
          .ws("/cookie", {
            upgrade({ cookie }) {
              cookie.a?.set({ value: "1", httpOnly: true, path: "/", sameSite: "strict" });
              cookie.b?.set({ value: { object: "ü;" }, maxAge: 60, secure: true });
              cookie.gone?.remove();
            },
          })
          .ws("/header", {
            beforeHandle: ({ set }) => void Object.assign(set.headers, { "set-cookie": "c=1" }),
          })
          .ws("/headers", {
            upgrade: ({ set }) =>
              void Object.assign(set.headers, { "set-cookie": ["c=1; Path=/", "d=2"] }),
          })
          .ws("/signed", {
            upgrade({ cookie }) {
              cookie.signed?.set({ value: "ada" });
              cookie.plain?.set({ value: "bob" });
            },
          }),
      { cookie: { secrets: "the secret", sign: ["signed"] } },
    );
    for (const path of ["/cookie", "/header", "/headers", "/signed"]) {
      await noteHeaders(stage, path, { headers: { cookie: "gone=1" } });
    }
  });

  sameOnBoth("the subprotocol that the app chooses", async (stage) => {
    const choose = (protocol: string) => ({ "Sec-WebSocket-Protocol": protocol });
    stage.serve((app) =>
      app
        .ws("/object", { upgrade: choose("b") })
        .ws("/lower", { upgrade: { "sec-websocket-protocol": "b" } })
        .ws("/set", { beforeHandle: ({ set }) => void Object.assign(set.headers, choose("b")) })
        .ws("/by-offer", {
          upgrade({ headers, set }) {
            const offers = headers["sec-websocket-protocol"]?.split(/, ?/) ?? [];
            set.headers["sec-websocket-protocol"] = offers.at(-1) ?? "none";
          },
        })
        .ws("/none", {}),
    );
    for (const path of ["/object", "/lower", "/set", "/by-offer", "/none"]) {
      await noteHeaders(stage, path, { protocols: ["a", "b"] });
    }
  });

  sameOnBoth("nothing that could break the handshake", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        upgrade: { "Sec-WebSocket-Accept": "forged", Upgrade: "h2c", "x-other": "stays" },
      }),
    );
    const { upgrade } = await stage.connect();
    stage.note(upgrade["x-other"], upgrade.upgrade);
  });
});

/** Elysia gives the hooks for pings and pongs Bun's socket: its id is in the data alone. */
function withId({ data }: { data: object }): { data: object; id: string } {
  return { data, id: (data as { id: string }).id };
}

describe("a socket knows of its upgrade", () => {
  sameOnBoth("the request, whole", async (stage) => {
    stage.serve((app) =>
      app.ws("/at/:id", {
        open(ws) {
          const { request, path, params, query, headers, cookie, set, server, store } = ws.data;
          const url = new URL(request.url);
          stage.note(request.method, url.pathname, url.search, url.protocol, path, params, query);
          stage.note("host", url.port === String(stage.port), headers.host === url.host);
          const { host, "sec-websocket-key": key, ...others } = headers;
          stage.note("headers", Object.entries(others).toSorted(), typeof host, typeof key);
          const own = Object.fromEntries(request.headers);
          stage.note("the same", Object.keys(own).toSorted().join());
          stage.note("cookies", cookie.a?.value, cookie.b?.value, cookie.c?.value);
          stage.note("rest", Object.keys(set).toSorted(), store, server === stage.server);
          ws.send("noted");
        },
      }),
    );
    const headers = {
      cookie: "a=1; b=%7B%22c%22%3A2%7D",
      "x-mine": "yes",
      origin: "http://o.test",
    };
    const options = { headers, protocols: ["p"], perMessageDeflate: false };
    await noteMessages(stage, await stage.connect("/at/7?x=1&y=%20", options), 1);
  });

  sameOnBoth("the headers of its own client, however alike the clients are", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message({ data, send }) {
          const { request, headers, cookie } = data;
          const { host, "sec-websocket-key": key, ...others } = headers;
          const same = key === request.headers.get("sec-websocket-key");
          send([Object.entries(others).toSorted(), cookie.a?.value, same]);
        },
      }),
    );
    const given: Record<string, string>[] = [
      { cookie: "a=1", "x-forwarded-for": "192.0.2.1" },
      { cookie: "a=2", "x-forwarded-for": "192.0.2.2" },
      { cookie: "", "x-forwarded-for": "" },
      { authorization: "Bearer 1", "x-other": "1" },
      { authorization: "Bearer 2", "x-other": "2" },
      { "x-real-ip": "\u00fc", "x-other": "a: b" },
    ];
    const clients = await Promise.all(given.map((headers) => stage.connect("/", { headers })));
    for (const client of clients) {
      client.send("?");
      stage.note(await client.next());
    }
  });

  sameOnBoth("the same data in every hook", async (stage) => {
    const heard: unknown[] = [];
    const note = (hook: string, ws: { data: object; id: string }) => {
      const data = ws.data as { n?: number; id: string };
      data.n = (data.n ?? 0) + 1;
      heard.push([hook, data.n, data.id === ws.id, ws.id.length > 0]);
    };
    stage.serve((app) =>
      app.ws("/", {
        open: (ws) => note("open", ws),
        ping: (ws) => note("ping", withId(ws)),
        pong: (ws) => note("pong", withId(ws)),
        message: (ws) => note("message", ws),
        close: (ws) => note("close", ws),
      }),
    );
    const client = await stage.connect();
    for (const act of [
      () => client.socket.ping(),
      () => client.socket.pong(),
      () => client.send(""),
    ]) {
      const before = heard.length;
      act();
      await until(() => heard.length > before);
    }
    await client.close();
    await until(() => heard.length === 5);
    stage.note(heard);
  });

  sameOnBoth("what was derived for it, and for no other", async (stage) => {
    let clients = 0;
    stage.serve((app) =>
      app
        .state("opened", 0)
        .derive(() => ({ number: ++clients }))
        .ws("/", {
          open(ws) {
            ws.data.store.opened += 1;
            (ws.raw.data as { own?: string }).own = `of ${ws.data.number}`;
          },
          message(ws) {
            const { own } = ws.data as { own?: string };
            ws.send({ opened: ws.data.store.opened, own });
          },
          close: (ws) => {
            ws.data.store.opened -= 1;
          },
        }),
    );
    const [one, two] = [await stage.connect(), await stage.connect()];
    two.send("?");
    stage.note(await two.next());
    await one.close();
    await until(() => (stage.app.store as { opened: number }).opened === 1);
    two.send("?");
    stage.note(await two.next());
  });

  sameOnBoth("an id that no other has", async (stage) => {
    const ids: string[] = [];
    stage.serve((app) =>
      app.ws("/", { open: (ws) => void ids.push(ws.id), message: (ws) => void ws.send(ws.id) }),
    );
    const clients = await Promise.all([stage.connect(), stage.connect(), stage.connect()]);
    await until(() => ids.length === 3);
    stage.note(
      new Set(ids).size,
      ids.every((id) => typeof id === "string" && id.length > 0),
    );
    for (const client of clients) client.send("?");
    const told = await Promise.all(clients.map((client) => client.next()));
    stage.note(told.toSorted().join() === ids.toSorted().join());
  });
});
