import { describe, expect, spyOn, test } from "bun:test";
import type { SocketAddress } from "bun";
import { sse } from "elysia";
import { BunAdapter } from "elysia/adapter/bun";
import type { ElysiaWS } from "elysia/ws";

import { connect, refused, type TestClient, within } from "../helpers/client";
import { serve } from "../helpers/serving";

const MIB = 1024 * 1024;

/** The same suite on both: an app must not be able to tell which of them it runs on. */
describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])("a WebSocket route, %s", (_name, config) => {
  test("hears of each client, and answers it", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/hello", {
        open: (ws) => void ws.send(`${ws.remoteAddress} ${ws.readyState} ${typeof ws.id}`),
        message: (ws, message) => void ws.send(`echo ${message}`),
      }),
    );
    const client = await connect(`${ws}/hello`);
    expect(await client.next()).toBe("127.0.0.1 1 string");
    client.send("one");
    expect(await client.next()).toBe("echo one");
  });

  test("gets bytes as bytes", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/bytes", {
        message(ws, message) {
          ws.sendBinary(new Uint8Array(message as Buffer).reverse());
          ws.send(Buffer.from([9]));
        },
      }),
    );
    const client = await connect(`${ws}/bytes`);
    client.send(new Uint8Array([1, 2, 3]));
    expect(await client.take(2)).toEqual([Buffer.from([3, 2, 1]), Buffer.from([9])]);
  });

  test("has the query, the params and what was derived in data", async () => {
    const { ws } = serve(config, (app) =>
      app
        .derive(() => ({ user: "ada" }))
        .ws("/room/:room", {
          open: ({ data, send }) => void send(`${data.user} ${data.params.room} ${data.query.x}`),
        }),
    );
    expect(await (await connect(`${ws}/room/blue?x=1`)).next()).toBe("ada blue 1");
  });

  test("can refuse with beforeHandle", async () => {
    let upgraded = false;
    const { ws } = serve(config, (app) =>
      app.ws("/secret", {
        beforeHandle: ({ status, set }) => {
          set.headers["set-cookie"] = ["a=1", "b=2"];
          return status(401, "who are you?");
        },
        open: () => {
          upgraded = true;
        },
      }),
    );
    const { status, headers, body } = await refused(`${ws}/secret`);
    expect({ status, body }).toEqual({ status: 401, body: "who are you?" });
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(upgraded).toBe(false);
  });

  test("can upgrade after an asynchronous decision", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/later", {
        beforeHandle: () => Bun.sleep(5),
        open: (ws) => void ws.send("in"),
      }),
    );
    expect(await (await connect(`${ws}/later`)).next()).toBe("in");
  });

  test("sends its upgrade headers, several cookies among them", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/headers", {
        upgrade: ({ cookie, set }) => {
          set.headers["x-mark"] = "yes";
          cookie.a?.set({ value: "1" });
          cookie.b?.set({ value: "2" });
        },
      }),
    );
    const { upgrade } = await connect(`${ws}/headers`);
    expect(upgrade["x-mark"]).toBe("yes");
    expect(upgrade["set-cookie"]?.map((cookie) => cookie.split(";")[0])).toEqual(["a=1", "b=2"]);
  });

  test("takes the first subprotocol that the client offers", async () => {
    const { ws } = serve(config, (app) => app.ws("/protocol", {}));
    const { socket } = await connect(`${ws}/protocol`, { protocols: ["chat", "superchat"] });
    expect(socket.protocol).toBe("chat");
  });

  test("that does not exist gives 404", async () => {
    const { ws } = serve(config, (app) => app.ws("/here", {}));
    expect((await refused(`${ws}/elsewhere`)).status).toBe(404);
  });

  test("delivers what is published in the tick of the subscribe", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/tick", {
        open(ws) {
          ws.subscribe("ticks");
          app.server?.publish("ticks", "first");
        },
        message(ws) {
          ws.unsubscribe("ticks");
          ws.subscribe("ticks");
          app.server?.publish("ticks", "again");
        },
      }),
    );
    for (let round = 0; round < 20; round++) {
      const client = await connect(`${ws}/tick`);
      expect(await client.next()).toBe("first");
      client.send("go");
      expect(await client.next()).toBe("again");
      await client.close();
    }
  });

  test("delivers nothing that is published after the unsubscribe", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/tick", {
        open: (ws) => void ws.subscribe("ticks"),
        message(ws) {
          ws.unsubscribe("ticks");
          app.server?.publish("ticks", "too late");
          ws.send("done");
        },
      }),
    );
    for (let round = 0; round < 20; round++) {
      const client = await connect(`${ws}/tick`);
      client.send("go");
      expect(await client.next()).toBe("done");
      await client.close();
    }
  });

  test("publishes to all but the publisher", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/chat", {
        open(ws) {
          ws.subscribe("room");
          ws.send("joined");
        },
        message(ws, message) {
          ws.publish("room", message);
          ws.send("sent");
        },
      }),
    );
    const [ada, bob] = await Promise.all([connect(`${ws}/chat`), connect(`${ws}/chat`)]);
    expect([await ada.next(), await bob.next()]).toEqual(["joined", "joined"]);
    ada.send("hello");
    expect([await ada.next(), await bob.next()]).toEqual(["sent", "hello"]);
  });

  test("returns from publish that no other client is subscribed", async () => {
    const { ws } = serve(config, (app) =>
      app.ws("/chat", {
        open(ws) {
          ws.subscribe("room");
          ws.send(String(ws.raw.publish("room", "anyone?")));
        },
      }),
    );
    expect(await (await connect(`${ws}/chat`)).next()).toBe("0");
  });

  test("knows its subscriptions", async () => {
    const { ws, app } = serve(config, (app) =>
      app.ws("/subs", {
        open(ws) {
          const steps = [ws.subscribe("a"), ws.subscribe("a"), ws.isSubscribed("a")];
          ws.subscribe("b");
          steps.push(ws.unsubscribe("a"), ws.unsubscribe("a"), ws.isSubscribed("a"));
          ws.send(JSON.stringify([steps, ws.raw.subscriptions]));
        },
      }),
    );
    const client = await connect(`${ws}/subs`);
    const steps = [true, true, true, true, false, false];
    expect(JSON.parse(String(await client.next()))).toEqual([steps, ["b"]]);
    expect(app.server?.subscriberCount("b")).toBe(1);
    expect(app.server?.subscriberCount("a")).toBe(0);
  });

  test("hears the client's close code, once", async () => {
    const heard = Promise.withResolvers<unknown>();
    const { ws } = serve(config, (app) =>
      app.ws("/bye", { close: (_ws, code, reason) => heard.resolve([code, reason]) }),
    );
    const client = await connect(`${ws}/bye`);
    expect((await client.close(4001, "tired")).code).toBe(4001);
    expect(await within(heard.promise, "close")).toEqual([4001, "tired"]);
  });

  test("closes its client with a code, after what was sent", async () => {
    const heard = Promise.withResolvers<unknown>();
    const { ws } = serve(config, (app) =>
      app.ws("/bye", {
        open(ws) {
          ws.send("last");
          ws.close(4002, "enough");
          heard.resolve([ws.readyState, ws.raw.send("never"), ws.raw.subscribe("x")]);
        },
      }),
    );
    const client = await connect(`${ws}/bye`);
    expect(await client.next()).toBe("last");
    expect(await within(client.closed, "close")).toEqual({ code: 4002, reason: "enough" });
    expect(await heard.promise).toEqual([3, 0, false]);
  });

  test("can drop its client", async () => {
    const { ws } = serve(config, (app) => app.ws("/drop", { message: (ws) => ws.terminate() }));
    const client = await connect(`${ws}/drop`);
    client.send("go");
    expect((await within(client.closed, "the end")).code).toBe(1006);
  });

  test("gets exactly one close for each open, however the clients end", async () => {
    const alive = new Map<string, number>();
    let opened = 0;
    let closed = 0;
    const done = Promise.withResolvers<void>();
    const { ws } = serve(config, (app) =>
      app.ws("/mortal", {
        open(ws) {
          opened += 1;
          alive.set(ws.id, (alive.get(ws.id) ?? 0) + 1);
          ws.subscribe("all");
        },
        message: (ws) => ws.terminate(),
        close(ws) {
          closed += 1;
          alive.set(ws.id, (alive.get(ws.id) ?? 0) - 1);
          if (closed === CLIENTS) done.resolve();
        },
      }),
    );
    const CLIENTS = 200;
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, () => connect(`${ws}/mortal`)),
    );
    const ends: ((client: TestClient) => unknown)[] = [
      (client) => client.terminate(),
      (client) => client.close(1000),
      (client) => client.send("drop me"),
      (client) => {
        client.send("drop me");
        client.terminate();
      },
    ];
    for (const client of clients) ends[Math.floor(Math.random() * ends.length)]?.(client);
    await within(done.promise, "all closes");
    expect([opened, closed]).toEqual([CLIENTS, CLIENTS]);
    expect([...alive.values()].every((balance) => balance === 0)).toBe(true);
  });

  test("gets the messages of a client in order, many in one batch", async () => {
    const COUNT = 2000;
    const numbers: number[] = [];
    const done = Promise.withResolvers<void>();
    const { ws } = serve(config, (app) =>
      app.ws("/flood", {
        message(_ws, message) {
          if (numbers.push(Number(message)) === COUNT) done.resolve();
        },
      }),
    );
    const client = await connect(`${ws}/flood`);
    for (let n = 0; n < COUNT; n++) client.send(String(n));
    await within(done.promise, "all messages");
    expect(numbers).toEqual(Array.from({ length: COUNT }, (_, n) => n));
  });

  test("names its client by data that stays, from open to close", async () => {
    const ids: string[] = [];
    const done = Promise.withResolvers<void>();
    const note = (ws: ElysiaWS) => ids.push(ws.id);
    const { ws } = serve(config, (app) =>
      app.ws("/id", {
        open: (ws) => void note(ws as unknown as ElysiaWS),
        message: (ws) => void note(ws as unknown as ElysiaWS),
        close(ws) {
          note(ws as unknown as ElysiaWS);
          done.resolve();
        },
      }),
    );
    const client = await connect(`${ws}/id`);
    client.send("x");
    await client.close(1000);
    await within(done.promise, "close");
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });
});

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])("plain HTTP on the same port, %s", (_name, config) => {
  test("answers JSON, on one connection again and again", async () => {
    const { http } = serve(config, (app) => app.get("/json", () => ({ ok: true })).ws("/ws", {}));
    for (let n = 0; n < 50; n++) {
      const response = await fetch(`${http}/json`);
      expect(await response.json()).toEqual({ ok: true });
    }
  });

  test("answers static routes, 404 and errors", async () => {
    const { http } = serve(config, (app) =>
      app.get("/static", "still").get("/broken", () => {
        throw new Error("broken on purpose");
      }),
    );
    expect(await (await fetch(`${http}/static`)).text()).toBe("still");
    expect((await fetch(`${http}/nowhere`)).status).toBe(404);
    expect((await fetch(`${http}/broken`)).status).toBe(500);
  });

  test("streams a response as it is made", async () => {
    const gate = Promise.withResolvers<void>();
    const { http } = serve(config, (app) =>
      app.get("/stream", async function* () {
        yield "one";
        await gate.promise;
        yield "two";
      }),
    );
    const reader = (await fetch(`${http}/stream`)).body?.getReader();
    const text = async () => new TextDecoder().decode((await reader?.read())?.value);
    expect(await within(text(), "the first part")).toBe("one");
    gate.resolve();
    expect(await within(text(), "the second part")).toBe("two");
  });

  test("sends server-sent events", async () => {
    const { http } = serve(config, (app) =>
      app.get("/events", function* () {
        yield sse({ event: "tick", data: "1" });
        yield sse({ event: "tick", data: "2" });
      }),
    );
    const response = await fetch(`${http}/events`);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(await response.text()).toContain("event: tick\ndata: 2");
  });

  test("takes uploads", async () => {
    const { http } = serve(config, (app) =>
      app
        .post("/bytes", async ({ request }) => (await request.arrayBuffer()).byteLength, {
          parse: "none",
        })
        .post("/form", ({ body }) => (body as { file: File }).file.text()),
    );
    const large = new Uint8Array(5 * 1024 * 1024);
    const sent = await fetch(`${http}/bytes`, { method: "POST", body: large });
    expect(await sent.text()).toBe(String(large.byteLength));

    const form = new FormData();
    form.set("file", new File(["content"], "a.txt"));
    expect(await (await fetch(`${http}/form`, { method: "POST", body: form })).text()).toBe(
      "content",
    );
  });

  test("refuses a body that is too long, whichever side is quicker", async () => {
    const { http } = serve(config, (app) => {
      app.config.serve = { maxRequestBodySize: MIB };
      return app.post("/", async ({ request }) => (await request.arrayBuffer()).byteLength, {
        parse: "none",
      });
    });
    const statusOf = async (body: Uint8Array<ArrayBuffer> | ReadableStream) =>
      (await fetch(http, { method: "POST", body })).status;
    const ofLength = (bytes: number) => new Uint8Array(bytes);
    const inChunks = (bytes: number) => new Blob([new Uint8Array(bytes)]).stream();
    for (const bodyOf of [ofLength, inChunks]) {
      expect(await statusOf(bodyOf(MIB))).toBe(200);
      for (let round = 0; round < 20; round++) expect(await statusOf(bodyOf(8 * MIB))).toBe(413);
    }
  });

  test("sends several cookies as several headers", async () => {
    const { http } = serve(config, (app) =>
      app.get("/cookies", ({ cookie }) => {
        cookie.a?.set({ value: "1" });
        cookie.b?.set({ value: "2" });
        return "ok";
      }),
    );
    const cookies = (await fetch(`${http}/cookies`)).headers.getSetCookie();
    expect(cookies.map((cookie) => cookie.split(";")[0])).toEqual(["a=1", "b=2"]);
  });

  test("shows the app the headers that the client has sent, and no others", async () => {
    const { http } = serve(config, (app) =>
      app
        .get("/headers", ({ headers }) => headers)
        .get("/dynamic/:id", ({ request }) => Object.fromEntries(request.headers))
        .post("/headers", ({ headers }) => headers)
        .all("/all", ({ headers, server, request }) => ({
          ...headers,
          ip: server?.requestIP(request)?.address,
        }))
        .mount("/mounted", (request) => Response.json(Object.fromEntries(request.headers))),
    );
    const requests: [string, string][] = [
      ["GET", "/headers"],
      ["GET", "/dynamic/1"],
      ["POST", "/headers"],
      ["PUT", "/all"],
      ["GET", "/mounted/x"],
    ];
    for (const [method, path] of requests) {
      const answer = await fetch(`${http}${path}`, { method, headers: { "x-mine": "yes" } });
      const seen = (await answer.json()) as Record<string, string>;
      expect(seen["x-mine"]).toBe("yes");
      expect(Object.keys(seen).filter((name) => name.includes("shardcast"))).toEqual([]);
      if (path === "/all") expect(seen.ip).toBe("127.0.0.1");
    }
  });

  test("knows the client's address", async () => {
    const { http, ws } = serve(config, (app) =>
      app
        .get("/ip", ({ request, server }) => server?.requestIP(request))
        .ws("/ip-of-ws", {
          beforeHandle: ({ request, server, status }) =>
            status(418, server?.requestIP(request)?.address),
        }),
    );
    const headers = { "x-shardcast-peer": "6.6.6.6 666" };
    const ip = (await (await fetch(`${http}/ip`, { headers })).json()) as SocketAddress;
    expect([ip.address, ip.family]).toEqual(["127.0.0.1", "IPv4"]);
    expect(ip.port).toBeGreaterThan(1023);
    expect((await refused(`${ws}/ip-of-ws`)).body).toBe("127.0.0.1");
  });
});

test("no response is made for an upgrade that was accepted", async () => {
  const made = spyOn(BunAdapter.handler, "mapResponse");
  const { ws } = serve({}, (app) =>
    app.get("/plain", ({ set }) => ({ status: set.status })).ws("/ws", {}),
  );
  await connect(`${ws}/ws`);
  expect(made).toHaveBeenCalledTimes(0);
  expect((await refused(`${ws}/plain`)).status).toBe(200);
  expect(made).toHaveBeenCalledTimes(1);
  made.mockRestore();
});

test("an upgrade with a header that cannot be sent is an error that names it", async () => {
  const { ws } = serve({}, (app) =>
    app
      .onError(({ error, status }) => {
        const { code, message } = error as Error & { code?: string };
        return status(500, `${code}: ${message}`);
      })
      .get("/", ({ request, server }) =>
        server?.upgrade(request, { headers: { "x-mine": "a\u0001b" }, data: undefined }),
      ),
  );
  const { status, body } = await refused(ws);
  expect({ status, body }).toEqual({
    status: 500,
    body: 'EINVAL: "a\\u{1}b" is not a value for x-mine',
  });
});
