/** Elysia's `.ws`: what its schemas take, change and refuse. */

import { describe } from "bun:test";
import { Elysia, t } from "elysia";
import { z } from "zod";

import { sameOnBoth, until } from "../both";
import { noteAnswers, noteMessages, noteRefusal } from "../notes";

/** What a schema of another library says of a value. */
type Verdict = { value: { name: string } } | { issues: { message: string; path: string[] }[] };

/** A schema as other libraries make them, here for an object with a `name`. */
const NAMED = {
  "~standard": {
    version: 1 as const,
    vendor: "contract",
    types: undefined as { input: { name: string }; output: { name: string } } | undefined,
    validate: (value: unknown): Verdict =>
      typeof (value as { name?: unknown } | null)?.name === "string"
        ? { value: value as { name: string } }
        : { issues: [{ message: "a name is missing", path: ["name"] }] },
  },
};

describe("a message that the body's schema refuses", () => {
  sameOnBoth("is answered with what is wrong with it", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        body: t.Object({ name: t.String({ minLength: 2 }), age: t.Optional(t.Integer()) }),
        message: (ws, body) => void ws.send(body),
      }),
    );
    const client = await stage.connect();
    const messages = ['{"name":"ada"}', '{"name":"a"}', '{"name":"ada","age":1.5}', "[]", "null"];
    await noteAnswers(stage, client, [...messages, "", new Uint8Array([1])]);
  });

  sameOnBoth("is answered with the schema's own error", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/text", { body: t.Number({ error: "a number, please" }), message: () => "ok" })
        .ws("/made", {
          body: t.Object({ n: t.Number({ error: () => "n is a number" }) }),
          message: () => "ok",
        }),
    );
    await noteAnswers(stage, await stage.connect("/text"), ["1", "one"]);
    await noteAnswers(stage, await stage.connect("/made"), ['{"n":1}', '{"n":"one"}']);
  });

  sameOnBoth("goes to the hook for errors instead, whose answer is sent", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        body: t.Object({ n: t.Number() }),
        error: ({ error }) => `refused: ${(error as Error).name}`,
        message: () => "ok",
      }),
    );
    await noteAnswers(stage, await stage.connect(), ['{"n":1}', "{}"]);
  });

  sameOnBoth("never reaches the handler", async (stage) => {
    const heard: unknown[] = [];
    stage.serve((app) =>
      app.ws("/", { body: t.Number(), message: (_ws, n) => void heard.push(n) }),
    );
    const client = await stage.connect();
    client.send("no number");
    client.send("7");
    await noteMessages(stage, client, 1);
    await until(() => heard.length > 0);
    stage.note(heard);
  });

  sameOnBoth("of another library is refused by it", async (stage) => {
    stage.serve((app) =>
      app.ws("/", { body: NAMED, message: (ws, { name }) => void ws.send(name) }),
    );
    await noteAnswers(stage, await stage.connect(), ['{"name":"ada"}', "{}", "null", "text"]);
  });

  sameOnBoth("may be one of several kinds", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        body: t.Union([t.Object({ kind: t.Literal("a") }), t.Array(t.Number()), t.Boolean()]),
        message: (ws, body) => void ws.send({ got: body }),
      }),
    );
    const messages = ['{"kind":"a"}', '{"kind":"b"}', "[1,2]", '["1"]', "true", "1"];
    await noteAnswers(stage, await stage.connect(), messages);
  });

  sameOnBoth("may be named by a model", async (stage) => {
    stage.serve((app) =>
      app.model({ point: t.Object({ x: t.Number(), y: t.Number() }) }).ws("/", {
        body: "point",
        message: (ws, { x, y }) => void ws.send(x + y),
      }),
    );
    await noteAnswers(stage, await stage.connect(), ['{"x":1,"y":2}', '{"x":1}']);
  });

  for (const normalize of [true, false, "typebox"] as const) {
    sameOnBoth(`may be one with further fields, with normalize ${normalize}`, async (stage) => {
      stage.serve(
        (app) =>
          app.ws("/", {
            body: t.Object({ a: t.Number() }),
            message: (ws, body) => void ws.send(body),
          }),
        { normalize },
      );
      await noteAnswers(stage, await stage.connect(), ['{"a":1,"b":2}', '{"b":2}']);
    });
  }
});

describe("an answer that the response's schema refuses", () => {
  sameOnBoth("is replaced, however it is sent", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        response: t.Object({ ok: t.Boolean() }),
        message(ws, how) {
          const wrong = { ok: "no" } as never;
          if (how === "return") return wrong;
          if (how === "send") ws.send(wrong);
          if (how === "ping") ws.ping(wrong);
          if (how === "publish") ws.publish("empty", wrong);
          if (how === "right") ws.send({ ok: true });
          return undefined;
        },
      }),
    );
    const ways = ["return", "send", "ping", "publish", "right"];
    await noteAnswers(stage, await stage.connect(), ways);
  });

  sameOnBoth("is looked at by ws.validator", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/with", {
          response: t.String(),
          message: (ws) =>
            void ws.raw.send(`${ws.validator?.Check("text")} ${ws.validator?.Check(1)}`),
        })
        .ws("/without", { message: (ws) => void ws.send(typeof ws.validator) }),
    );
    for (const path of ["/with", "/without"]) {
      await noteAnswers(stage, await stage.connect(path), ["?"]);
    }
  });

  sameOnBoth("is taken as bytes in any case", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        response: t.String(),
        message: (ws) => void ws.send(Buffer.from([1, 2])),
      }),
    );
    await noteAnswers(stage, await stage.connect(), ["?"]);
  });

  sameOnBoth("is refused by another library's schema", async (stage) => {
    stage.serve((app) =>
      app.ws("/", { response: NAMED, message: (_ws, message) => message as { name: string } }),
    );
    await noteAnswers(stage, await stage.connect(), ['{"name":"ada"}', '{"n":1}']);
  });
});

describe("the schemas of an upgrade", () => {
  sameOnBoth("give defaults and numbers", async (stage) => {
    stage.serve((app) =>
      app.ws("/:page?", {
        params: t.Object({ page: t.Optional(t.Numeric({ default: 1 })) }),
        query: t.Object({
          limit: t.Numeric({ default: 10 }),
          deep: t.BooleanString({ default: false }),
          tags: t.Optional(t.Array(t.String())),
          since: t.Optional(t.Date()),
        }),
        open: (ws) => void ws.send({ params: ws.data.params, query: ws.data.query }),
      }),
    );
    const paths = [
      "/",
      "/2?limit=5&deep=true",
      "/3?tags=a,b",
      "/4?tags=a&tags=b",
      "/5?since=2026-01-01",
    ];
    for (const path of paths) stage.note(path, await (await stage.connect(path)).next());
    for (const path of ["/x", "/1?limit=many", "/1?deep=perhaps"]) await noteRefusal(stage, path);
  });

  sameOnBoth("of another library are asked as well", async (stage) => {
    stage.serve((app) =>
      app.ws("/", { query: NAMED, open: (ws) => void ws.send(ws.data.query.name) }),
    );
    stage.note(await (await stage.connect("/?name=ada")).next());
    await noteRefusal(stage, "/");
  });

  sameOnBoth("come from a guard and from the route", async (stage) => {
    stage.serve((app) =>
      app.guard({ headers: t.Object({ "x-token": t.String() }) }).ws("/", {
        query: t.Object({ n: t.Numeric() }),
        open: (ws) => void ws.send({ token: ws.data.headers["x-token"], n: ws.data.query.n }),
      }),
    );
    const headers = { "x-token": "t" };
    stage.note(await (await stage.connect("/?n=1", { headers })).next());
    await noteRefusal(stage, "/?n=1");
    await noteRefusal(stage, "/", headers);
  });

  sameOnBoth("that fail go to the app's hook for errors", async (stage) => {
    stage.serve((app) =>
      app
        .onError(({ code, set }) => {
          set.headers["x-code"] = String(code);
          return { code };
        })
        .ws("/", { query: t.Object({ n: t.Numeric() }) }),
    );
    await noteRefusal(stage, "/");
  });

  sameOnBoth("read signed cookies", async (stage) => {
    const routes = new Elysia({ cookie: { secrets: "the secret", sign: ["session"] } })
      .get("/login", ({ cookie }) => {
        cookie.session?.set({ value: "ada" });
        return "in";
      })
      .ws("/", {
        cookie: t.Cookie({ session: t.String() }, { secrets: "the secret", sign: ["session"] }),
        open: (ws) => void ws.send(ws.data.cookie.session.value),
      });
    stage.serve((app) => app.use(routes), { cookie: { secrets: "the secret", sign: ["session"] } });
    const login = await fetch(`http://127.0.0.1:${stage.port}/login`);
    const cookie = login.headers.getSetCookie()[0]?.split(";")[0] as string;
    stage.note(cookie);
    stage.note(await (await stage.connect("/", { headers: { cookie } })).next());
    await noteRefusal(stage, "/", { cookie: "session=ada.forged" });
  });
});

describe("schemas of zod", () => {
  sameOnBoth("take a message, or say what is wrong with it", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        body: z.object({ name: z.string().min(2), age: z.number().int().optional() }),
        message: (ws, body) => void ws.send(body),
      }),
    );
    const messages = ['{"name":"ada"}', '{"name":"a"}', '{"name":"ada","age":1.5}', "text"];
    await noteAnswers(stage, await stage.connect(), [...messages, new Uint8Array([1])]);
  });

  sameOnBoth("change a message before its handler sees it, or do not", async (stage) => {
    stage.serve((app) =>
      app
        .ws("/default", {
          body: z.object({ room: z.string().default("lobby") }),
          message: (ws, body) => void ws.send(body),
        })
        .ws("/coerced", {
          body: z.object({ at: z.coerce.date(), n: z.coerce.number() }),
          message: (ws, { at, n }) => void ws.send(`${typeof at} ${at} ${typeof n} ${n}`),
        })
        .ws("/transformed", {
          body: z.string().transform((text) => ({ shouted: text.toUpperCase() })),
          message: (ws, body) => void ws.send(JSON.stringify(body)),
        }),
    );
    await noteAnswers(stage, await stage.connect("/default"), ["{}", '{"room":"blue"}']);
    const dated = ['{"at":"2026-01-01","n":"5"}', '{"at":"never","n":"5"}'];
    await noteAnswers(stage, await stage.connect("/coerced"), dated);
    await noteAnswers(stage, await stage.connect("/transformed"), ["hello", "5"]);
  });

  sameOnBoth("look at an answer", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        response: z.object({ ok: z.boolean() }),
        message: (_ws, message) => message as { ok: boolean },
      }),
    );
    await noteAnswers(stage, await stage.connect(), ['{"ok":true}', '{"ok":"no"}']);
  });

  sameOnBoth("make numbers of an upgrade's query, or refuse it", async (stage) => {
    stage.serve((app) =>
      app.ws("/:room", {
        params: z.object({ room: z.coerce.number() }),
        query: z.object({ limit: z.coerce.number().max(9).default(3) }),
        open: (ws) => void ws.send({ ...ws.data.params, ...ws.data.query }),
      }),
    );
    for (const path of ["/1", "/2?limit=5"]) {
      stage.note(path, await (await stage.connect(path)).next());
    }
    for (const path of ["/blue", "/1?limit=10"]) await noteRefusal(stage, path);
  });
});
