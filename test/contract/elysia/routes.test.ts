/** Elysia's `.ws`: where routes stand, and what an app is made of. */

import { describe } from "bun:test";
import { Elysia, t } from "elysia";

import { type Stage, sameOnBoth, until } from "../both";
import { noteAnswer, noteAnswers, noteRefusal } from "../notes";

/** Notes what the first message of a client of each path is. */
async function noteFirsts(stage: Stage, paths: string[]): Promise<void> {
  for (const path of paths) stage.note(path, await (await stage.connect(path)).next());
}

/** Notes the first message of a client, or why it was not let in. */
async function noteEither(stage: Stage, path: string): Promise<void> {
  await stage.connect(path).then(
    async (client) => stage.note(path, await client.next()),
    () => noteRefusal(stage, path),
  );
}

/** A plugin with one route, which says the name. */
const saying = (name: string, path = "/ws") =>
  new Elysia({ name }).ws(path, { open: (ws) => void ws.send(name) });

describe("a path leads to the same route as on Elysia itself", () => {
  sameOnBoth("the most exact first", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/a/*", { open: (ws) => void ws.send({ wild: ws.data.params["*"] }) })
        .ws("/a/:id", { open: (ws) => void ws.send({ id: ws.data.params.id }) })
        .ws("/a/b", { open: (ws) => void ws.send("exact") })
        .ws("/a/:id/c", { open: (ws) => void ws.send({ under: ws.data.params.id }) }),
    );
    const paths = ["/a/b", "/a/x", "/a/b/c", "/a/x/c", "/a/x/d", "/a/x/d/e", "/a/b?c", "/a/%62"];
    await noteFirsts(stage, paths);
    for (const path of ["/A/b", "/a", "/", "/ab"]) await noteRefusal(stage, path);
  });

  sameOnBoth("with optional parts", async (stage) => {
    stage.serve((app) => app.ws("/o/:a?/:b?", { open: (ws) => void ws.send(ws.data.params) }));
    await noteFirsts(stage, ["/o", "/o/1", "/o/1/2", "/o/1/2/"]);
    await noteRefusal(stage, "/o/1/2/3");
  });

  sameOnBoth("in other writing systems, raw and encoded", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/grüße", { open: (ws) => void ws.send("grüße") })
        .ws("/名/:name", { open: (ws) => void ws.send(ws.data.params.name) })
        .ws("/q", { open: (ws) => void ws.send(ws.data.query) }),
    );
    const paths = [
      "/gr%C3%BC%C3%9Fe",
      "/%E5%90%8D/%F0%9F%8E%89",
      "/%E5%90%8D/a%2Fb",
      "/%E5%90%8D/a+b",
    ];
    for (const path of paths) {
      await noteEither(stage, path);
    }
    await noteFirsts(stage, ["/q?a=1&a=2&b=%C3%BC&c&d=&e=1+2", "/q?", "/q?x[y]=1&%3D=%26"]);
  });

  for (const strictPath of [true, false]) {
    sameOnBoth(`with a slash at the end, strictPath being ${strictPath}`, async (stage) => {
      const open = (ws: { send(text: string): void }) => void ws.send("in");
      stage.serve((app) => app.ws("/one", { open }).ws("/two/", { open }).ws("/", { open }), {
        strictPath,
      });
      for (const path of ["/one", "/one/", "/two", "/two/", "/", "", "//"]) {
        await noteEither(stage, path);
      }
    });
  }

  sameOnBoth("with the prefix of the app", async (stage) => {
    stage.serve(
      (app) =>
        app
          .ws("/ws", { open: (ws) => void ws.send("in") })
          .group("/v1", (group) => group.ws("/ws", { open: (ws) => void ws.send("v1") })),
      { prefix: "/api" as "" },
    );
    await noteFirsts(stage, ["/api/ws", "/api/v1/ws"]);
    await noteRefusal(stage, "/ws");
  });
});

describe("a route may come from", () => {
  sameOnBoth("plugins of every kind", async (stage) => {
    const functional = (app: Elysia) =>
      app.ws("/functional", { open: (ws) => void ws.send("function") });
    const asynchronous = async () => {
      await Bun.sleep(1);
      return saying("async function", "/async");
    };
    const nested = new Elysia({ prefix: "/outer" }).use(
      new Elysia({ prefix: "/inner" }).use(saying("nested")),
    );
    const app = stage.serve((app) =>
      app
        .use(saying("instance", "/instance"))
        .use(saying("instance", "/instance"))
        .use(functional)
        .use(asynchronous)
        .use(Promise.resolve({ default: saying("lazy", "/lazy") }))
        .use([saying("one", "/one"), saying("two", "/two")])
        .use(nested),
    );
    await app.modules;
    await noteFirsts(stage, ["/instance", "/functional", "/async", "/lazy", "/one", "/two"]);
    await noteFirsts(stage, ["/outer/inner/ws"]);
  });

  sameOnBoth("groups and guards, with what these add", async (stage) => {
    stage.serve((app) =>
      app.group("/rooms/:room", { params: t.Object({ room: t.Number() }) }, (rooms) =>
        rooms
          .derive(({ params }) => ({ double: params.room * 2 }))
          .guard({ query: t.Object({ name: t.String() }) }, (named) =>
            named.ws("/ws", {
              open: (ws) =>
                void ws.send({ ...ws.data.params, ...ws.data.query, d: ws.data.double }),
            }),
          )
          .ws("/open", { open: (ws) => void ws.send(ws.data.double) }),
      ),
    );
    await noteFirsts(stage, ["/rooms/4/ws?name=ada", "/rooms/5/open"]);
    for (const path of ["/rooms/4/ws", "/rooms/x/open"]) await noteRefusal(stage, path);
  });

  sameOnBoth("an app that is mounted, which gets no upgrade", async (stage) => {
    const mounted = new Elysia().ws("/ws", {}).get("/plain", ({ request }) => request.method);
    stage.serve((app) =>
      app
        .mount("/sub", mounted)
        .mount("/raw", ({ headers }) => Response.json({ upgrade: headers.get("upgrade") })),
    );
    await noteAnswer(stage, "/sub/plain");
    for (const path of ["/sub/ws", "/sub/plain", "/raw/x", "/sub/nowhere"]) {
      await noteRefusal(stage, path);
    }
  });

  sameOnBoth("a plugin whose hooks reach its neighbours, or do not", async (stage) => {
    for (const as of ["local", "scoped", "global"] as const) stage.note(as);
    const plugin = (as: "local" | "scoped" | "global") =>
      new Elysia({ name: as })
        .derive({ as }, () => ({ [as]: true }))
        .ws(`/${as}`, {
          open: (ws) => void ws.send(Object.keys(ws.data).filter((key) => SCOPES.includes(key))),
        });
    const SCOPES = ["local", "scoped", "global"];
    stage.serve((app) =>
      app
        .use(plugin("local"))
        .use(plugin("scoped"))
        .use(new Elysia().use(plugin("global")))
        .ws("/after", {
          open: (ws) => void ws.send(Object.keys(ws.data).filter((key) => SCOPES.includes(key))),
        }),
    );
    await noteFirsts(stage, ["/local", "/scoped", "/global", "/after"]);
  });
});

describe("an app is served the same with", () => {
  const OPTIONS: [string, object][] = [
    ["no compilation ahead of time", { aot: false }],
    ["all compiled before", { precompile: true }],
    ["no routes of Bun's", { systemRouter: false }],
    ["static responses by Elysia", { nativeStaticResponse: false }],
    ["a strict path", { strictPath: true }],
    ["encoded schemas", { encodeSchema: true }],
    ["errors that may be told", { allowUnsafeValidationDetails: true }],
    ["analysis ahead of time", { experimental: { encodeSchema: true } }],
  ];

  for (const [name, options] of OPTIONS) {
    sameOnBoth(name, async (stage) => {
      stage.serve(
        (app) =>
          app
            .get("/static", "static")
            .derive(({ headers }) => ({ user: headers["x-user"] }))
            .onError(({ code }) => String(code))
            .ws("/:room", {
              body: t.Object({ n: t.Number() }),
              query: t.Object({ limit: t.Numeric({ default: 3 }) }),
              beforeHandle: ({ query, status }) => (query.limit > 9 ? status(403) : undefined),
              open: (ws) =>
                void ws.send({ ...ws.data.params, ...ws.data.query, user: ws.data.user }),
              message: (_ws, { n }) => n + 1,
            }),
        options,
      );
      const client = await stage.connect("/blue?limit=5", { headers: { "x-user": "ada" } });
      stage.note(await client.next());
      await noteAnswers(stage, client, ['{"n":1}', "{}"]);
      for (const path of ["/blue?limit=10", "/blue?limit=x", "/a/b"])
        await noteRefusal(stage, path);
      await noteAnswer(stage, "/static");
      await noteAnswer(stage, "/nowhere");
    });
  }

  sameOnBoth("a route that is added while it listens", async (stage) => {
    const app = stage.serve((app) => app.ws("/before", { open: (ws) => void ws.send("before") }));
    await noteFirsts(stage, ["/before"]);
    app.ws("/later", { open: (ws) => void ws.send("later") });
    await noteEither(stage, "/later");
  });

  sameOnBoth("hooks of its start and its stop", async (stage) => {
    const heard: string[] = [];
    const app = stage.serve((app) =>
      app
        .onStart(({ server }) => void heard.push(`start ${server?.hostname}`))
        .onStop(({ server }) => void heard.push(`stop ${server}`))
        .ws("/", {}),
    );
    await stage.connect();
    await app.stop(true);
    stage.note(heard);
  });
});

describe("a handler of plain HTTP knows the server that the sockets are of", () => {
  /** Publishes by the server it is given, and tells who asks. */
  const publish = (request: Request, server: NonNullable<Elysia["server"]>) =>
    Response.json([server.publish("news", "hello"), server.requestIP(request)?.address]);

  sameOnBoth("at `serve.routes`", async (stage) => {
    let subscribed = false;
    stage.serve(
      (app) =>
        app.ws("/ws", {
          open(ws) {
            subscribed = ws.subscribe("news") as unknown as boolean;
          },
        }),
      { serve: { routes: { "/raw": publish, "/by/:method": { POST: publish } } } as object },
    );
    const client = await stage.connect("/ws");
    await until(() => subscribed);
    await noteAnswer(stage, "/raw");
    stage.note(await client.next());
    await noteAnswer(stage, "/by/post", { method: "POST" });
    stage.note(await client.next());
  });

  sameOnBoth("after a reload, for upgrades as well", async (stage) => {
    const heard: unknown[] = [];
    // Elysia reloads its server by itself once all plugins are there.
    await stage.serve((app) => app.ws("/ws", {})).modules;
    stage.server.reload({
      fetch(this: unknown, request, server) {
        heard.push(this === stage.server, server === stage.server);
        return server.upgrade(request, { data: {} }) ? undefined : publish(request, server);
      },
      websocket: {
        open(ws) {
          ws.subscribe("news");
          ws.send("upgraded");
        },
        message() {},
      },
    });
    const client = await stage.connect("/anywhere");
    stage.note(await client.next());
    await noteAnswer(stage, "/");
    stage.note(await client.next());
    stage.note(heard);
  });
});
