/** Elysia's `.ws`: who is let in, and what the others are told. */

import { describe } from "bun:test";
import { Elysia, file, NotFoundError, t } from "elysia";

import { sameOnBoth, until } from "../both";
import { marker, noteAnswer, noteRawUpgrade, noteRefusal } from "../notes";

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY];

/** A response whose body comes bit by bit. */
function streamed(text: string): Response {
  const headers = { "content-type": "text/x-stream" };
  return new Response(new Blob([text]).stream(), { status: 503, headers });
}

describe("a client is refused by", () => {
  sameOnBoth("any hook before the route", async (stage) => {
    stage.serve((app) =>
      app
        .onRequest(({ request, status }) => {
          return request.url.includes("early") ? status(429, "too many") : undefined;
        })
        .group("/derive", (group) =>
          group.derive(({ status }) => status(401, "not derived")).ws("/", {}),
        )
        .group("/resolve", (group) =>
          group.resolve(({ status }) => status(403, "not resolved")).ws("/", {}),
        )
        .group("/guard", (group) =>
          group.guard({ beforeHandle: ({ status }) => status(402, "guarded") }).ws("/", {}),
        )
        .group("/thrown", (group) =>
          group
            .derive(() => {
              throw new Error("derive threw");
            })
            .ws("/", {}),
        )
        .ws("/transform", {
          transform() {
            throw new Error("transform threw");
          },
        })
        .ws("/early", {}),
    );
    for (const path of ["/early", "/derive", "/resolve", "/guard", "/thrown", "/transform"]) {
      await noteRefusal(stage, path);
    }
  });

  sameOnBoth("the first of several hooks that answers", async (stage) => {
    const order: string[] = [];
    const mark = marker(order);
    stage.serve((app) =>
      app.ws("/", {
        beforeHandle: [mark("first"), () => "the second says no", mark("third")],
        open: mark("open"),
      }),
    );
    await noteRefusal(stage, "/");
    stage.note(order);
  });

  sameOnBoth("an error with a status of its own", async (stage) => {
    class Teapot extends Error {
      readonly status = 418;
    }
    class Answering extends Error {
      toResponse() {
        return Response.json({ answered: this.message }, { status: 409 });
      }
    }
    stage.serve((app) =>
      app
        .error({ TEAPOT: Teapot })
        .ws("/teapot", {
          beforeHandle() {
            throw new Teapot("short and stout");
          },
        })
        .ws("/answering", {
          beforeHandle() {
            throw new Answering("by itself");
          },
        })
        .ws("/missing", {
          beforeHandle() {
            throw new NotFoundError("not this one");
          },
        }),
    );
    for (const path of ["/teapot", "/answering", "/missing"]) await noteRefusal(stage, path);
  });

  sameOnBoth("the hook for errors of its app, of its group or its own", async (stage) => {
    const refuse = () => {
      throw new Error("no");
    };
    stage.serve((app) =>
      app
        .onError(({ code, path }) => `the app: ${code} at ${path}`)
        .group("/group", (group) =>
          group
            .onError(({ code }) => `the group: ${code}`)
            .ws("/ws", { beforeHandle: refuse })
            .ws("/own", { beforeHandle: refuse, error: ({ code }) => `its own: ${code}` }),
        )
        .ws("/ws", { beforeHandle: refuse }),
    );
    for (const path of ["/ws", "/group/ws", "/group/own", "/nowhere"]) {
      await noteRefusal(stage, path);
    }
  });

  sameOnBoth("an answer of any kind", async (stage) => {
    const answers: [string, () => unknown][] = [
      ["text", () => "no"],
      ["number", () => 0],
      ["false", () => false],
      ["array", () => [1, 2]],
      ["blob", () => new Blob(["no"], { type: "text/x-no" })],
      ["file", () => file(`${import.meta.dir}/../../fixtures/page.txt`)],
      ["stream", () => streamed("streamed")],
      ["error", () => new Error("returned")],
      ["empty", () => new Response(null, { status: 204 })],
      ["json", () => Response.json({ no: 1 }, { status: 400, headers: { "set-cookie": "a=1" } })],
    ];
    stage.serve((app) => {
      for (const [name, answer] of answers) app.ws(`/${name}`, { beforeHandle: () => answer() });
    });
    for (const [name] of answers) {
      // What lets the client in is written down as well.
      const outcome = stage.connect(`/${name}`).then(
        () => stage.note(name, "let in"),
        () => noteRefusal(stage, `/${name}`),
      );
      await outcome;
    }
  });

  sameOnBoth("what it is redirected to", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/moved", { beforeHandle: ({ redirect }) => redirect("/login?next=/moved", 307) })
        .ws("/set", {
          beforeHandle({ set }) {
            set.redirect = "/login";
            set.status = 303;
            return "go";
          },
        }),
    );
    for (const path of ["/moved", "/set"]) await noteRefusal(stage, path);
  });

  sameOnBoth("the hooks after the route, which may change the answer", async (stage) => {
    const order: string[] = [];
    stage.serve((app) =>
      app.ws("/", {
        beforeHandle: ({ status }) => status(401, "who?"),
        afterHandle: marker(order)("afterHandle"),
        mapResponse({ set }) {
          order.push("mapResponse");
          const headers = { "content-type": "text/x-mapped" };
          return new Response("mapped", { status: set.status as number, headers });
        },
        afterResponse: marker(order)("afterResponse"),
      }),
    );
    await noteRefusal(stage, "/");
    await until(() => order.includes("afterResponse"));
    stage.note(order);
  });
});

describe("a client that is let in", () => {
  sameOnBoth("is so after all hooks, however late they answer", async (stage) => {
    const order: string[] = [];
    const slowly = (name: string) => async () => {
      await Bun.sleep(1);
      order.push(name);
    };
    stage.serve((app) =>
      app
        .onRequest(slowly("request"))
        .derive(slowly("derive"))
        .resolve(slowly("resolve"))
        .ws("/", {
          transform: slowly("transform"),
          beforeHandle: [slowly("beforeHandle 1"), slowly("beforeHandle 2")],
          upgrade: slowly("upgrade"),
          open: (ws) => void ws.send(order.join()),
        }),
    );
    stage.note(await (await stage.connect()).next());
  });

  sameOnBoth("has no answer for the hooks after the route", async (stage) => {
    const order: string[] = [];
    stage.serve((app) =>
      app.ws("/", {
        afterHandle: marker(order)("afterHandle"),
        mapResponse: marker(order)("mapResponse"),
        afterResponse: () => void order.push("afterResponse"),
        message: (ws) => void ws.send(JSON.stringify(order)),
      }),
    );
    const client = await stage.connect();
    await until(() => order.includes("afterResponse"));
    client.send("?");
    stage.note(await client.next());
  });

  sameOnBoth("stays, whatever status was set", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        beforeHandle({ set }) {
          set.status = 500;
        },
        open: (ws) => void ws.send("in"),
      }),
    );
    stage.note(await (await stage.connect()).next());
  });

  sameOnBoth("is refused by an upgrade that throws", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/sync", {
          upgrade() {
            throw new Error("sync");
          },
        })
        .ws("/async", {
          async upgrade() {
            await Bun.sleep(1);
            throw new Error("async");
          },
        }),
    );
    for (const path of ["/sync", "/async"]) await noteRefusal(stage, path);
  });
});

describe("a request that is no upgrade", () => {
  sameOnBoth("gets no socket, by any method", async (stage) => {
    stage.serve((app) => app.ws("/ws", { beforeHandle: () => "never asked" }));
    for (const method of ["GET", "HEAD", "POST", "OPTIONS", "DELETE"]) {
      await noteAnswer(stage, "/ws", { method });
    }
  });

  sameOnBoth("goes to the plain routes of the same path", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/get", { open: (ws) => void ws.send("socket") })
        .get("/get", () => "get")
        .ws("/all", { open: (ws) => void ws.send("socket") })
        .all("/all", () => "all")
        .post("/post", () => "post")
        .ws("/post", { open: (ws) => void ws.send("socket") })
        .ws("/static", { open: (ws) => void ws.send("socket") })
        .get("/static", "static")
        .ws("/:id", { open: (ws) => void ws.send(`dynamic ${ws.data.params.id}`) })
        .get("/:id", ({ params }) => `get ${params.id}`),
    );
    for (const path of ["/get", "/all", "/post", "/static", "/other"]) {
      await noteAnswer(stage, path);
      await noteAnswer(stage, path, { method: "HEAD" });
      await noteAnswer(stage, path, { method: "POST" });
      stage.note(path, await (await stage.connect(path)).next());
    }
  });

  sameOnBoth("lacks what makes one", async (stage) => {
    stage.serve((app) => app.ws("/ws", {}).get("/plain", () => "plain"));
    // Without `Connection` it is one for Bun: see docs/parity.md.
    for (const missing of UPGRADE.slice(1)) {
      const rest = UPGRADE.filter((line) => line !== missing);
      await noteRawUpgrade(stage, "GET /ws", rest);
    }
    await noteRawUpgrade(stage, "POST /ws", [...UPGRADE, "Content-Length: 0"]);
    await noteRawUpgrade(stage, "GET /plain", UPGRADE);
  });
});

describe("a request that is an upgrade", () => {
  sameOnBoth("may be put in many ways", async (stage) => {
    stage.serve((app) => app.ws("/ws", {}));
    const ways = [
      UPGRADE.map((line) => line.replace("Connection: Upgrade", "Connection: keep-alive, upgrade")),
      UPGRADE.map((line) => line.replace("Upgrade: websocket", "upgrade: websocket")),
      [...UPGRADE, "Content-Length: 0"],
      [...UPGRADE, "Cookie: a=1", "Cookie: b=2"],
      [...UPGRADE, "Sec-WebSocket-Extensions: nonsense"],
      [...UPGRADE, "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"],
    ];
    for (const lines of ways) await noteRawUpgrade(stage, "GET /ws", lines);
  });

  sameOnBoth("may go to a plain route, which answers it", async (stage) => {
    stage.serve((app) =>
      app
        .get("/plain", () => "plain")
        .get("/static", "static")
        .post("/post", () => "post")
        .all("/all", ({ request }) => request.method),
    );
    for (const path of ["/plain", "/static", "/post", "/all"]) {
      await noteRefusal(stage, path);
    }
  });

  sameOnBoth("may go to a plain route, which upgrades it by itself", async (stage) => {
    stage.serve((app) =>
      app.get("/plain", ({ server, request, status }) => {
        const data = { open: (ws: { send(text: string): void }) => ws.send("by itself") };
        return server?.upgrade(request, { data }) ? undefined : status(400);
      }),
    );
    stage.note(await (await stage.connect("/plain")).next());
  });
});

describe("an app's own kind of", () => {
  sameOnBoth("macro lets in, refuses and resolves", async (stage) => {
    const auth = new Elysia({ name: "auth" }).macro({
      user: {
        headers: t.Object({ "x-user": t.String() }),
        resolve: ({ headers, status }) =>
          headers["x-user"] === "eve" ? status(403, "not eve") : { user: headers["x-user"] },
      },
    });
    stage.serve((app) =>
      app.use(auth).ws("/", { user: true, open: (ws) => void ws.send(`hello ${ws.data.user}`) }),
    );
    const connected = await stage.connect("/", { headers: { "x-user": "ada" } });
    stage.note(await connected.next());
    await noteRefusal(stage, "/", { "x-user": "eve" });
    await noteRefusal(stage, "/");
  });

  sameOnBoth("trace sees each upgrade", async (stage) => {
    const seen: string[] = [];
    stage.serve((app) =>
      app
        .trace(({ onRequest, onBeforeHandle, onHandle, onAfterResponse }) => {
          onRequest(() => void seen.push("request"));
          onBeforeHandle(() => void seen.push("beforeHandle"));
          onHandle(() => void seen.push("handle"));
          onAfterResponse(() => void seen.push("afterResponse"));
        })
        .ws("/", { beforeHandle: () => {}, open: (ws) => void ws.send("in") }),
    );
    stage.note(await (await stage.connect()).next());
    await until(() => seen.includes("afterResponse"));
    stage.note(seen);
  });

  sameOnBoth("wrap is around each upgrade", async (stage) => {
    const seen: string[] = [];
    stage.serve((app) =>
      app
        .wrap((handle, request) => {
          seen.push(new URL(request.url).pathname);
          return handle;
        })
        .ws("/ws", { open: (ws) => void ws.send("in") }),
    );
    stage.note(await (await stage.connect("/ws")).next());
    await noteRefusal(stage, "/nowhere");
    stage.note(seen);
  });
});
