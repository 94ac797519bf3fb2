/** What a client is told when the app throws. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { sameOnBoth } from "../both";
import { noteRefusal } from "../notes";
import { HOST, normal, Wire } from "../wire";

const NO = new Error("no");
const FIRST = new Error("first");

const thrower = (thrown: unknown) => (): never => {
  throw thrown;
};

const later = (thrown: unknown) => async () => {
  await Bun.sleep(1);
  return thrower(thrown)();
};

/** Apps that throw at `/`, and whose clients are told what. */
const TOLD: [string, (app: Elysia) => unknown][] = [
  ["in onRequest", (app) => app.onRequest(thrower(NO)).get("/", () => "home")],
  ["in onBeforeHandle", (app) => app.onBeforeHandle(thrower(NO)).get("/", () => "home")],
  ["in onAfterHandle", (app) => app.onAfterHandle(thrower(NO)).get("/", () => "home")],
  ["a text", (app) => app.get("/", thrower("no"))],
  ["an object", (app) => app.get("/", thrower({ reason: "no" }))],
  ["a response", (app) => app.get("/", thrower(new Response("no", { status: 418 })))],
  ["a number, later", (app) => app.get("/", later(42))],
  [
    "in a generator, at once",
    (app) =>
      app.get("/", async function* () {
        yield thrower(NO)();
      }),
  ],
  [
    "in a generator, after a first word",
    (app) =>
      app.get("/", async function* () {
        yield "first";
        yield later(NO)();
      }),
  ],
  [
    "in a generator that waits for nothing",
    (app) =>
      app.get("/", function* () {
        yield "first";
        thrower(NO)();
      }),
  ],
];

/** Apps whose error no hook takes. */
const UNTOLD: [string, (app: Elysia) => unknown][] = [
  ["nothing", (app) => app.get("/", thrower(null))],
  ["in onError", (app) => app.onError(thrower(NO)).get("/", thrower(FIRST))],
  ["in onError, later", (app) => app.onError(later("no")).get("/", thrower(FIRST))],
  ["in mapResponse", (app) => app.mapResponse(thrower(NO)).get("/", () => "home")],
];

describe("an app that throws is answered for as by Bun", () => {
  for (const [name, routes] of TOLD) {
    sameOnBoth(name, async (stage) => {
      stage.serve(routes);
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", HOST, "", "");
      await wire.has(/\r\n\r\n(no|42|first|\{.*\}|\d+\r\n[\s\S]*\r\n0\r\n\r\n)$/);
      wire.write("GET /nowhere HTTP/1.1", HOST, "Connection: close", "", "");
      await wire.end();
      stage.note(normal(wire.received).toLowerCase());
      wire.close();
    });
  }

  for (const [name, routes] of UNTOLD) {
    sameOnBoth(`${name}, to the handler of serve.error`, async (stage) => {
      const error = (error: unknown) => new Response(`caught ${error}`, { status: 503 });
      stage.serve(routes, { serve: { error } });
      const answer = await fetch(`http://127.0.0.1:${stage.port}/`);
      stage.note(answer.status, await answer.text());
    });
  }

  sameOnBoth("at an upgrade, to the handler of serve.error", async (stage) => {
    const error = async (error: unknown) => new Response(`caught ${error}`, { status: 503 });
    stage.serve((app) => app.onError(thrower(NO)).ws("/", { beforeHandle: thrower(FIRST) }), {
      serve: { error },
    });
    await noteRefusal(stage, "/");
  });
});
