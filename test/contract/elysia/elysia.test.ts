/** Elysia's `.ws`: schemas, hooks, context and answers. */

import { describe } from "bun:test";
import { Elysia, t } from "elysia";

import { sameOnBoth, until } from "../both";
import { noteMessages, noteRefusal } from "../notes";

describe("schemas are kept as by Elysia itself", () => {
  sameOnBoth("of the body", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        body: t.Object({ n: t.Number() }),
        message: (ws, { n }) => void ws.send(n + 1),
      }),
    );
    const client = await stage.connect();
    for (const text of ['{"n":1}', '{"n":"2"}', '{"n":"two"}', "no JSON", "{}"]) {
      client.send(text);
      stage.note(text, await client.next());
    }
  });

  sameOnBoth("of a string, a number and bytes", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/string", { body: t.String(), message: (ws, body) => void ws.send(typeof body) })
        .ws("/number", { body: t.Number(), message: (ws, body) => void ws.send(typeof body) })
        .ws("/any", { message: (ws, body) => void ws.send((body as object).constructor.name) }),
    );
    for (const path of ["/string", "/number"]) {
      const client = await stage.connect(path);
      for (const message of ["text", "12", "true", "null", '{"a":1}']) {
        client.send(message);
        stage.note(path, message, await client.next());
      }
    }
    const any = await stage.connect("/any");
    for (const message of ["text", "12", "true", '{"a":1}', "[1]", new Uint8Array([1])]) {
      any.send(message);
      stage.note(message, await any.next());
    }
  });

  sameOnBoth("of query, params, headers and cookies", async (stage) => {
    stage.serve((app) =>
      app.ws("/room/:id", {
        params: t.Object({ id: t.Number() }),
        query: t.Object({ name: t.String() }),
        headers: t.Object({ "x-token": t.String() }),
        cookie: t.Cookie({ session: t.String() }),
        open({ data, send }) {
          const { params, query, headers, cookie } = data;
          send({ params, query, token: headers["x-token"], session: cookie.session.value });
        },
      }),
    );
    const good = { "x-token": "t", cookie: "session=s" };
    const client = await stage.connect("/room/7?name=ada", { headers: good });
    stage.note(await client.next());
    await noteRefusal(stage, "/room/seven?name=ada", good);
    await noteRefusal(stage, "/room/7", good);
    await noteRefusal(stage, "/room/7?name=ada", { cookie: "session=s" });
    await noteRefusal(stage, "/room/7?name=ada", { "x-token": "t" });
  });

  sameOnBoth("of the response", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        response: t.String(),
        message: (ws, message) => void ws.send(message === "good" ? "fine" : (5 as never)),
      }),
    );
    const client = await stage.connect();
    for (const message of ["good", "bad"]) {
      client.send(message);
      stage.note(message, await client.next());
    }
  });
});

describe("hooks run as on Elysia itself", () => {
  sameOnBoth("in the same order", async (stage) => {
    const order: string[] = [];
    const mark = (name: string) => () => void order.push(name);
    stage.serve((app) =>
      app
        .onRequest(mark("request"))
        .onParse(mark("parse of the app"))
        .derive(mark("derive"))
        .resolve(mark("resolve"))
        .onTransform(mark("transform of the app"))
        .onBeforeHandle(mark("beforeHandle of the app"))
        .onAfterHandle(mark("afterHandle of the app"))
        .ws("/", {
          transform: mark("transform"),
          beforeHandle: mark("beforeHandle"),
          afterHandle: mark("afterHandle"),
          upgrade: () => {
            order.push("upgrade");
            return {};
          },
          open: mark("open"),
          message: mark("message"),
          close: mark("close"),
        }),
    );
    const client = await stage.connect();
    client.send("x");
    await until(() => order.includes("message"));
    await client.close();
    await until(() => order.includes("close"));
    // Elysia itself runs the route's own beforeHandle again, which is a difference.
    const again = order.lastIndexOf("beforeHandle");
    if (again > order.indexOf("beforeHandle")) order.splice(again, 1);
    for (const name of order) stage.note(name);
  });

  sameOnBoth("derive, resolve, state and decorate reach the socket", async (stage) => {
    stage.serve((app) =>
      app
        .state("count", 1)
        .decorate("greet", (name: string) => `hello ${name}`)
        .derive(({ headers }) => ({ user: headers["x-user"] ?? "stranger" }))
        .resolve(({ user }) => ({ upper: user.toUpperCase() }))
        .ws("/", {
          open({ data }) {
            data.store.count += 1;
          },
          message(ws) {
            const { store, greet, user, upper } = ws.data;
            ws.send({ count: store.count, greeting: greet(user), upper });
          },
        }),
    );
    const client = await stage.connect("/", { headers: { "x-user": "ada" } });
    client.send("?");
    stage.note(await client.next());
  });

  sameOnBoth("guards and macros", async (stage) => {
    stage.serve((app) =>
      app
        .macro({
          role: (wanted: string) => ({
            beforeHandle({ headers, status }) {
              return headers["x-role"] === wanted ? undefined : status(403, `not ${wanted}`);
            },
            resolve: () => ({ role: wanted }),
          }),
        })
        .guard({ query: t.Object({ key: t.String() }) }, (guarded) =>
          guarded.ws("/guarded", { open: (ws) => void ws.send(ws.data.query) }),
        )
        .ws("/macro", { role: "admin", open: (ws) => void ws.send(`as ${ws.data.role}`) }),
    );
    await noteRefusal(stage, "/guarded");
    stage.note(await (await stage.connect("/guarded?key=k")).next());
    await noteRefusal(stage, "/macro");
    const admin = await stage.connect("/macro", { headers: { "x-role": "admin" } });
    stage.note(await admin.next());
  });

  sameOnBoth("parse may change the message", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        parse: (_ws, message) => (message === "a" ? { parsed: message } : undefined),
        message: (ws, message) => void ws.send(message),
      }),
    );
    const client = await stage.connect();
    client.send("a");
    client.send("b");
    await noteMessages(stage, client, 2);
  });

  sameOnBoth("what is thrown while the upgrade is decided", async (stage) => {
    stage.serve((app) =>
      app
        .onError(({ code, error }) => `${code}: ${(error as Error).message ?? error}`)
        .ws("/sync", {
          beforeHandle() {
            throw new Error("sync");
          },
        })
        .ws("/async", {
          async beforeHandle() {
            await Bun.sleep(1);
            throw new Error("async");
          },
        })
        .ws("/status", { beforeHandle: ({ status }) => status(418, "teapot") })
        .ws("/thrown-status", {
          beforeHandle({ status }) {
            throw status(402, "pay");
          },
        })
        .ws("/redirect", { beforeHandle: ({ redirect }) => redirect("/elsewhere") })
        .ws("/response", {
          beforeHandle: () =>
            new Response("own", { status: 409, headers: { "content-type": "a/b" } }),
        })
        .ws("/object", { beforeHandle: () => ({ no: true }) })
        .ws("/cookie", {
          beforeHandle({ cookie, status }) {
            cookie.a?.set({ value: "1" });
            return status(401);
          },
        }),
    );
    const paths = ["sync", "async", "status", "thrown-status", "redirect", "response", "object"];
    for (const path of [...paths, "cookie"]) await noteRefusal(stage, `/${path}`);
  });

  sameOnBoth("the error hook of the socket", async (stage) => {
    const heard: string[] = [];
    stage.serve((app) =>
      app.ws("/", {
        body: t.Object({ n: t.Number() }),
        error: ({ code }) => void heard.push(String(code)),
        message(ws, { n }) {
          ws.send(n);
        },
      }),
    );
    const client = await stage.connect();
    client.send("{}");
    client.send('{"n":1}');
    stage.note(await client.next());
    stage.note(heard);
  });

  sameOnBoth("ping, pong and close", async (stage) => {
    const heard: unknown[] = [];
    stage.serve((app) =>
      app.ws("/", {
        ping: (_ws, data) => void heard.push(["ping", String(data)]),
        pong: (_ws, data) => void heard.push(["pong", String(data)]),
        close: (ws, code, reason) => void heard.push(["close", code, reason, ws.readyState]),
      }),
    );
    const client = await stage.connect();
    client.socket.ping("p");
    client.socket.pong("q");
    await until(() => heard.length === 2);
    await client.close(4001, "why");
    await until(() => heard.length === 3);
    stage.note(heard);
  });
});

describe("an upgrade is as on Elysia itself", () => {
  sameOnBoth("with headers as an object, and as a function", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/object", { upgrade: { "x-mark": "object" } })
        .ws("/function", { upgrade: ({ query }) => ({ "x-mark": query.mark ?? "none" }) })
        .ws("/set", {
          beforeHandle({ set }) {
            set.headers["x-mark"] = "set";
          },
        }),
    );
    for (const path of ["/object", "/function?mark=m", "/function", "/set"]) {
      const client = await stage.connect(path);
      stage.note(path, client.upgrade["x-mark"]);
    }
  });

  sameOnBoth("of subprotocols", async (stage) => {
    stage.serve((app) =>
      app.ws("/default", {}).ws("/chosen", { upgrade: { "sec-websocket-protocol": "b" } }),
    );
    for (const path of ["/default", "/chosen"]) {
      const client = await stage.connect(path, { protocols: ["a", "b"] });
      stage.note(path, client.socket.protocol);
    }
    stage.note((await stage.connect("/default")).socket.protocol);
  });

  sameOnBoth("by paths of every kind", async (stage) => {
    const plugin = new Elysia({ prefix: "/plugin" }).ws("/ws", {
      open: (ws) => void ws.send("plugin"),
    });
    stage.serve((app) =>
      app
        .use(plugin)
        .group("/group", (group) => group.ws("/ws", { open: (ws) => void ws.send("group") }))
        .ws("/param/:a/:b?", { open: (ws) => void ws.send(ws.data.params) })
        .ws("/wild/*", { open: (ws) => void ws.send(ws.data.params) })
        .ws("/same", { open: (ws) => void ws.send("socket") })
        .get("/same", () => "plain")
        .get("/plain", () => "plain"),
    );
    const paths = ["/plugin/ws", "/group/ws", "/param/1", "/param/1/ü%20x", "/wild/a/b?c=d"];
    for (const path of [...paths, "/same"]) {
      stage.note(path, await (await stage.connect(path)).next());
    }
    for (const path of ["/nowhere", "/plain", "/plugin", "/param"]) await noteRefusal(stage, path);
    for (const path of ["/same", "/plugin/ws"]) {
      const answer = await fetch(`http://127.0.0.1:${stage.port}${path}`);
      stage.note(path, answer.status, await answer.text());
    }
  });

  sameOnBoth("of an app with a prefix", async (stage) => {
    stage.serve((app) => app.ws("/ws", { open: (ws) => void ws.send("in") }), {
      prefix: "" as const,
      nativeStaticResponse: false,
    });
    stage.note(await (await stage.connect("/ws")).next());
  });
});

describe("a message is answered as by Elysia itself", () => {
  sameOnBoth("by what the handler returns", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/value", { message: (_ws, message) => message })
        .ws("/promise", { message: async (_ws, message) => ({ later: message }) })
        .ws("/nothing", { message: (ws) => void ws.send("said") })
        .ws("/number", { message: () => 7 })
        .ws("/bytes", { message: () => new Uint8Array([1, 2]) }),
    );
    for (const path of ["/value", "/promise", "/nothing", "/number", "/bytes"]) {
      const client = await stage.connect(path);
      client.send("hello");
      stage.note(path, await client.next());
    }
  });

  sameOnBoth("by what the handler yields", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/generator", {
          *message(_ws, message) {
            yield "one";
            yield { two: message };
          },
        })
        .ws("/async", {
          async *message() {
            yield "one";
            await Bun.sleep(1);
            yield "two";
          },
        })
        .ws("/open", {
          *open() {
            yield "opened";
            yield "twice";
          },
        }),
    );
    for (const path of ["/generator", "/async"]) {
      const client = await stage.connect(path);
      client.send("x");
      await noteMessages(stage, client, 2);
    }
    await noteMessages(stage, await stage.connect("/open"), 2);
  });

  sameOnBoth("by the socket's own methods", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        message(ws, message) {
          stage.note("send", ws.send("text"));
          stage.note("object", ws.send({ a: [1, null] }));
          stage.note("number", ws.send(5));
          stage.note("bytes", ws.send(new Uint8Array([1])));
          stage.note("sendText", ws.sendText("text"));
          stage.note("sendBinary", ws.sendBinary(new Uint8Array([2])));
          stage.note("subscribe", ws.subscribe("news"));
          stage.note("isSubscribed", ws.isSubscribed("news"), ws.isSubscribed("other"));
          stage.note("subscriptions", ws.raw.subscriptions);
          stage.note("ping", ws.ping());
          stage.note("cork", typeof ws.cork(() => ws));
          stage.note("readyState", ws.readyState);
          stage.note("remoteAddress", ws.remoteAddress);
          stage.note("id", typeof ws.id, ws.id.length);
          stage.note("body", ws.body, message);
          stage.note("raw", ws.raw.readyState, typeof ws.validator);
          stage.note("unsubscribe", ws.unsubscribe("news"));
          ws.send("the end");
        },
      }),
    );
    const client = await stage.connect();
    client.send("go");
    await noteMessages(stage, client, 7);
  });

  sameOnBoth("to others, by publish", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        open: (ws) => void ws.subscribe("room"),
        message(ws, message) {
          stage.note("text", ws.publish("room", message));
          stage.note("object", ws.publish("room", { from: 1 }));
          stage.note("bytes", ws.publish("room", new Uint8Array([1])));
          stage.note("publishText", ws.publishText("room", "t"));
          stage.note("publishBinary", ws.publishBinary("room", new Uint8Array([2])));
          stage.note("no subscriber", ws.publish("empty", "x"));
        },
      }),
    );
    const [one, two] = [await stage.connect(), await stage.connect()];
    one.send("hello");
    await noteMessages(stage, two, 5);
    two.send("and back");
    stage.note(await one.next());
  });

  sameOnBoth("in order, however it is answered", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (_ws, message) => message }));
    const client = await stage.connect();
    for (let n = 0; n < 200; n += 1) client.send(`message ${n}`);
    await noteMessages(stage, client, 200);
  });
});
