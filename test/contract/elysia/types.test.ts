/** That an adapter changes no type: what an app infers with one is what it infers without. */

import { expect, test } from "bun:test";
import { Elysia, t } from "elysia";

import { shardcast } from "../../../src/index";
import { SMALL } from "../../helpers/serving";

/** True when two types are the same, not just assignable to each other. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile for anything but true. */
const same = <T extends true>(..._witnesses: T[]): void => {};

/** An app with something of everything that a type may be inferred from. */
const routes = (app: Elysia) =>
  app
    .state("count", 1)
    .decorate("greet", (name: string) => `hello ${name}`)
    .model({ point: t.Object({ x: t.Number() }) })
    .macro({ user: { resolve: () => ({ user: "ada" as const }) } })
    .derive(({ headers }) => ({ token: headers.authorization }))
    .ws("/rooms/:room", {
      user: true,
      params: t.Object({ room: t.Number() }),
      query: t.Object({ limit: t.Optional(t.Number()) }),
      body: t.Object({ text: t.String() }),
      response: t.Object({ ok: t.Boolean() }),
      open(ws) {
        same<Same<typeof ws.data.params.room, number>>();
        same<Same<typeof ws.data.query.limit, number | undefined>>();
        same<Same<typeof ws.data.token, string | undefined>>();
        same<Same<typeof ws.data.store.count, number>>();
        same<Same<typeof ws.data.user, "ada">>();
        same<Same<ReturnType<typeof ws.data.greet>, string>>();
      },
      message(ws, body) {
        same<Same<typeof body, { text: string }>>();
        same<Same<typeof ws.body, { text: string }>>();
        // @ts-expect-error The schema of the response has another type.
        ws.send({ ok: "yes" });
        return { ok: true };
      },
    })
    .ws("/points", { body: "point", message: (_ws, { x }) => same<Same<typeof x, number>>() })
    .get("/plain", ({ server }) => server?.publish("news", "text"));

test("an app with the adapter has the types of one without", () => {
  const plain = new Elysia();
  const adapted = new Elysia({ adapter: shardcast(SMALL) });
  same<Same<typeof plain, typeof adapted>>();
  same<Same<ReturnType<typeof adapted.listen>, ReturnType<typeof plain.listen>>>();
  const [builtIn, sharded] = [routes(plain), routes(adapted)];
  same<Same<typeof builtIn, typeof sharded>>();
  const paths = (app: typeof builtIn) => app.routes.map(({ method, path }) => `${method} ${path}`);
  expect(paths(sharded)).toEqual(paths(builtIn));
});

test("an app with a prefix keeps it in its types", () => {
  const adapted = new Elysia({ prefix: "/api", adapter: shardcast(SMALL) }).ws("/ws", {
    body: t.Number(),
  });
  type Body = (typeof adapted)["~Routes"]["api"]["ws"]["subscribe"]["body"];
  same<Same<Body, number>>();
  expect(adapted.routes.map(({ path }) => path)).toEqual(["/api/ws"]);
});
