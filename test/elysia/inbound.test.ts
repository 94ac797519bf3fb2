/** What clients send, and what of it reaches JavaScript, at what cost. */

import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { type Elysia, t } from "elysia";

import { CONFIG_KEYS } from "../../src/config/keys";
import { truncateJson } from "../../src/elysia/routes/truncate-json";
import { connect, type TestClient, until, within } from "../helpers/client";
import { serve } from "../helpers/serving";
import { logged, spyLogger } from "../helpers/spy-logger";

/** What JavaScriptCore parses slowest, for its length. */
function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

/** How often JSON was parsed, until the test ends. */
function parses(): () => number {
  const parse = spyOn(JSON, "parse");
  onTestFinished(() => void parse.mockRestore());
  return () => parse.mock.calls.length;
}

describe("what a route has no handler for", () => {
  test("is neither parsed nor told, and pings are answered", async () => {
    const left = Promise.withResolvers<void>();
    const { ws } = serve({ perMessageDeflate: true }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready"), close: () => left.resolve() }),
    );
    const client = await connect(ws);
    await client.next();
    const before = parses();
    client.send(nested(500));
    const pong = new Promise((resolve) => client.socket.once("pong", resolve));
    client.socket.ping("still there?");
    await within(pong, "a pong");
    await client.close();
    // The close is told behind all that the client has said.
    await within(left.promise, "the close");
    expect(before()).toBe(0);
  });

  test("reaches handlers that a reload brings for all routes", async () => {
    const { app, ws } = serve({}, (app) => app.ws("/", { open: (ws) => void ws.send("ready") }));
    const client = await connect(ws);
    await client.next();
    const { promise: heard, resolve } = Promise.withResolvers<unknown>();
    const message = (_ws: unknown, text: unknown) => resolve(text);
    app.server?.reload({ fetch: app.fetch, websocket: { message } } as never);
    client.send("hello");
    expect(await within(heard, "the message")).toBe("hello");
  });

  test("is of no other kind: pings are told where only they have a handler", async () => {
    const { ws } = serve({}, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready"), ping: (ws) => void ws.send("pinged") }),
    );
    const client = await connect(ws);
    await client.next();
    client.send("no handler takes this");
    client.socket.ping();
    expect(await client.next()).toBe("pinged");
  });
});

describe("a message that is long", () => {
  const longest = CONFIG_KEYS.maxJsonLength.default;

  async function answers(routes: (app: Elysia) => unknown, config = {}): Promise<TestClient> {
    return connect(serve(config, routes).ws);
  }

  test("is parsed as JSON up to maxJsonLength, and past it is text and a line of the log", async () => {
    const logger = spyLogger();
    const client = await answers(
      (app) => app.ws("/", { message: (ws, body) => void ws.send(typeof body) }),
      { logger },
    );
    client.send(nested(longest / 2));
    expect(await client.next()).toBe("object");
    expect(logged(logger, "warn")).toEqual([]);
    client.send(`${nested(longest / 2)} `);
    expect(await client.next()).toBe("string");
    expect(logged(logger, "warn")[0]).toMatchObject({
      fields: { times: 1, characters: longest + 1 },
      message: expect.stringContaining("maxJsonLength"),
    });
  });

  test("is given to the route's own parsers", async () => {
    const client = await answers(
      (app) =>
        app.ws("/", {
          parse: (_ws, text) =>
            typeof text === "string" ? `${text.length} characters` : undefined,
          message: (ws, body) => void ws.send(body),
        }),
      { maxJsonLength: 0 },
    );
    client.send("[1]");
    expect(await client.next()).toBe("3 characters");
  });
});

describe("a message that a route's schema does not allow", () => {
  const routes = (app: Elysia) =>
    app.ws("/", { body: t.Object({ name: t.String() }), message: () => "valid" });

  test.each([
    ["is nested deeply", nested(4000)],
    ["has very many members", JSON.stringify(Array.from({ length: 8000 }, () => 1))],
    ["is a long text", JSON.stringify("x".repeat(30_000))],
    ["is too long to be parsed", `"${"x".repeat(100_000)}"`],
    ["is binary", new Uint8Array(8 << 20)],
  ])("is answered in few words when it %s", async (_what, message) => {
    const client = await connect(serve({}, routes).ws);
    client.send(message);
    const answer = String(await client.next());
    expect(JSON.parse(answer)).toMatchObject({ type: "validation", on: "message" });
    expect(answer.length).toBeLessThan(64_000);
    client.send(JSON.stringify({ name: "a" }));
    expect(await client.next()).toBe("valid");
  });

  test("is whole in the error that hooks are given", async () => {
    const errors: { value: unknown; valueError: { path: string } }[] = [];
    const { ws } = serve({}, (app) =>
      routes(
        app.onError(({ error }) => void errors.push(error as unknown as (typeof errors)[number])),
      ),
    );
    const client = await connect(ws);
    const message = { name: [[[[[[[[[["deep"]]]]]]]]]] };
    client.send(JSON.stringify(message));
    await until(() => errors.length > 0);
    expect(errors[0]?.value).toEqual(message);
    expect(errors[0]?.valueError.path).toBe("/name");
  });
});

test("an answer that a route's schema does not allow is told in few words", async () => {
  const { ws } = serve({}, (app) =>
    app.ws("/", {
      response: t.String(),
      message(ws, message) {
        ws.send(message as string);
        ws.publish("empty", message as string);
        return message as string;
      },
    }),
  );
  const client = await connect(ws);
  client.send(nested(4000));
  for (const answer of await client.take(3)) {
    expect(JSON.parse(String(answer))).toMatchObject({ type: "validation" });
    expect(answer.length).toBeLessThan(64_000);
  }
});

test("what a route's parser throws goes to the error hooks and ends nothing", async () => {
  const { ws } = serve({}, (app) =>
    app.ws("/", {
      parse: (_ws, text) => {
        if (text === "bad") throw new Error("cannot be parsed");
        return text as string;
      },
      message: (ws, text) => void ws.send(text),
      error: ({ error }) => String(error),
    }),
  );
  const client = await connect(ws);
  client.send("bad");
  expect(await client.next()).toBe("Error: cannot be parsed");
  client.send("good");
  expect(await client.next()).toBe("good");
});

describe("a truncated value", () => {
  const limits = { depth: 8, members: 64, characters: 2048 };

  test("of what is small is the value itself", () => {
    const small = { a: [1, "text", null, { b: true }], c: new Date(0), d: new Uint8Array(8) };
    expect(truncateJson(small, limits)).toBe(small);
    for (const value of ["text", 1, null, undefined, true])
      expect(truncateJson(value, limits)).toBe(value);
  });

  test.each([
    ["deep", JSON.parse(nested(10_000))],
    ["wide", Array.from({ length: 10_000 }, () => ({}))],
    ["long", "x".repeat(1 << 20)],
    ["of long keys", { ["x".repeat(1 << 20)]: 1 }],
    ["of many keys", Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`k${n}`, n]))],
    ["bytes", { bytes: new Uint8Array(1 << 20) }],
  ])("of what is %s is short, and says that something is left out", (_what, value) => {
    const text = JSON.stringify(truncateJson(value, limits), null, 2);
    expect(text.length).toBeLessThan(4096);
    expect(text).toContain("…");
  });

  test("takes a key that an object has of its own for what it is", () => {
    const value = JSON.parse(`{"__proto__": ${nested(20)}}`);
    expect(Object.hasOwn(truncateJson(value, limits) as object, "__proto__")).toBe(true);
  });
});
