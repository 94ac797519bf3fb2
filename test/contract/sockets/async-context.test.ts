/** In which async context handlers run, whatever ran before. */

import { describe, expect } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";

import { connect, type TestClient } from "../../helpers/client";
import { type Stage, sameOnBoth, until } from "../both";
import { noteMessages, noteRefusal } from "../notes";

const CLIENTS = 16;

/** Serves a route whose hooks and handlers note their context, and leave another. */
function serveNoting(stage: Stage, context: AsyncLocalStorage<string>, seen: Set<string>): void {
  const note = (where: string) => {
    seen.add(`${where}: ${context.getStore()}`);
    context.enterWith(`left by ${where}`);
  };
  stage.serve((app) =>
    app
      .onRequest(() => note("request"))
      .ws("/", {
        open: (ws) => {
          note("open");
          ws.send("ready");
        },
        message: (ws) => {
          note("message");
          ws.send("heard");
        },
        ping: () => note("ping"),
        close: () => note("close"),
      }),
  );
}

describe("a handler does not see the context that another client's has left", () => {
  sameOnBoth("though many come and speak at once", async (stage) => {
    const seen = new Set<string>();
    serveNoting(stage, new AsyncLocalStorage(), seen);
    const coming = Array.from({ length: CLIENTS }, () => stage.connect());
    const clients = await Promise.all(coming);
    for (const client of clients) {
      client.socket.ping();
      client.send("x");
    }
    for (const client of clients) await noteMessages(stage, client, 2);
    await Promise.all(clients.map((client) => client.close()));
    await until(() => [...seen].some((line) => line.startsWith("close")));
    stage.note([...seen].sort());
  });

  sameOnBoth("but that of listen, if it was called in one", async (stage) => {
    const context = new AsyncLocalStorage<string>();
    context.run("listen", () =>
      stage.serve((app) =>
        app
          .onRequest(() => stage.note(context.getStore()))
          .ws("/", {
            message: (ws) => void ws.send(context.getStore()),
            close: () => stage.note(context.getStore()),
          }),
      ),
    );
    const client = await stage.connect();
    client.send("x");
    await noteMessages(stage, client, 1);
    await client.close();
    await until(() => stage.transcript.length === 3);
  });

  sameOnBoth("but that of the handler which closes the client, in close", async (stage) => {
    const context = new AsyncLocalStorage<string>();
    stage.serve((app) =>
      app.ws("/", {
        message: (ws) => context.run("message", () => ws.close()),
        close: () => stage.note(context.getStore()),
      }),
    );
    const client = await stage.connect();
    client.send("x");
    await client.closed;
  });
});

type Fetch = (this: unknown, request: Request, ...rest: unknown[]) => unknown;
type Options = { fetch?: Fetch };

/** `Bun.serve` with something around the `fetch` of its options, as tracers have it. */
const WRAPPERS: Record<string, (options: Options, around: (inner: Fetch) => Fetch) => Options> = {
  "by other options": (options, around) =>
    options.fetch ? { ...options, fetch: around(options.fetch) } : options,
  "within the options": (options, around) => {
    if (options.fetch) options.fetch = around(options.fetch);
    return options;
  },
};

/** Runs `work`, in which `Bun.serve` is wrapped. */
function withWrappedServe(wrap: (options: Options) => Options, work: () => void): void {
  const { serve } = Bun;
  const wrapped = new Proxy(serve, {
    apply(target, self, [options]: [Options]) {
      const server = Reflect.apply(target, self, [wrap(options)] as never);
      const reload = server.reload.bind(server);
      Object.defineProperty(server, "reload", {
        value: (next: Options) => reload(wrap(next) as never),
      });
      return server;
    },
  });
  Object.assign(Bun, { serve: wrapped });
  try {
    work();
  } finally {
    Object.assign(Bun, { serve });
  }
}

describe("what is wrapped around Bun.serve sees upgrades", () => {
  for (const [how, replace] of Object.entries(WRAPPERS)) {
    sameOnBoth(`each in a context of its own, wrapped ${how}`, async (stage) => {
      const scope = new AsyncLocalStorage<{ user?: string | null }>();
      const around = (inner: Fetch): Fetch =>
        async function (this: unknown, request, ...rest) {
          stage.note("begins", new URL(request.url).pathname, request.headers.get("x-user"));
          const response = await scope.run({}, () => inner.call(this, request, ...rest));
          stage.note("ends", scope.getStore(), (response as Response | undefined)?.status);
          return response;
        };
      withWrappedServe(
        (options) => replace(options, around),
        () =>
          stage.serve((app) =>
            app
              // A route's own hook runs twice with Bun.
              .onBeforeHandle(({ headers, status }) => {
                stage.note("user", scope.getStore());
                if (headers["x-user"] === "stranger") return status(403, "not you");
                Object.assign(scope.getStore() ?? {}, { user: headers["x-user"] });
                return undefined;
              })
              .ws("/", { open: (ws) => void ws.send({ user: scope.getStore() }) }),
          ),
      );
      for (const user of ["one", "two"]) {
        const client: TestClient = await connect(`ws://127.0.0.1:${stage.port}/`, {
          headers: { "x-user": user },
        });
        await noteMessages(stage, client, 1);
        await client.close();
      }
      await noteRefusal(stage, "/", { "x-user": "stranger" });
      expect(stage.transcript.join()).toContain("begins: /: two");
    });
  }
});
