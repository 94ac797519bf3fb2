/** Elysia's `.ws`: the cookies of an upgrade, which are read no earlier than they have to be. */

import { describe, expect, test } from "bun:test";
import type { Elysia } from "elysia";

import { Stage, sameOnBoth } from "./both";
import { noteMessages, noteRefusal } from "./notes";

const SIGNED = { cookie: { secrets: "the secret", sign: ["session"] } };
const HEADERS = { cookie: "a=1; b=%7B%22c%22%3A2%7D; d=x%20y" };

type Data = Record<string, unknown> & { cookie: Record<string, { value: unknown }> };

/** What a handler finds, that has no word in its own text of what it looks for. */
function look(stage: Stage, data: unknown): void {
  const { cookie } = data as Data;
  stage.note(cookie.a?.value, cookie.b?.value, cookie.d?.value, cookie.none?.value);
}

describe("cookies are there", () => {
  sameOnBoth("for a handler that leaves the looking to others", async (stage) => {
    stage.serve((app) =>
      app.ws("/", {
        open(ws) {
          look(stage, ws.data);
          ws.send("opened");
        },
        message(ws) {
          look(stage, ws.data);
          ws.send("again");
        },
      }),
    );
    const client = await stage.connect("/", { headers: HEADERS });
    client.send("?");
    await noteMessages(stage, client, 2);
    await noteMessages(stage, await stage.connect(), 1);
  });

  sameOnBoth("for a hook whose text cannot be read", async (stage) => {
    stage.serve((app) =>
      app
        .onBeforeHandle(look.bind(undefined, stage))
        .ws("/", { open: (ws) => void ws.send("opened") }),
    );
    await noteMessages(stage, await stage.connect("/", { headers: HEADERS }), 1);
  });

  sameOnBoth("for a hook that sets one by hand", async (stage) => {
    stage.serve((app) =>
      app
        .onBeforeHandle(({ set }) => {
          (set.cookie as Record<string, unknown>).seen = { value: "yes", path: "/" };
        })
        .ws("/", { open: (ws) => void ws.send("opened") }),
    );
    const client = await stage.connect();
    stage.note(client.upgrade["set-cookie"]);
    await noteMessages(stage, client, 1);
  });

  sameOnBoth("if they are signed, and forged ones are refused", async (stage) => {
    const routes = (app: Elysia) =>
      app
        .get("/login", ({ cookie }) => {
          cookie.session?.set({ value: "ada" });
        })
        .ws("/", {
          open(ws) {
            stage.note((ws.data as unknown as Data).cookie.session?.value);
            ws.send("opened");
          },
        });
    stage.serve(routes as never, SIGNED);
    const login = await fetch(`http://127.0.0.1:${stage.port}/login`);
    const cookie = login.headers.getSetCookie()[0]?.split(";")[0] as string;
    await noteMessages(stage, await stage.connect("/", { headers: { cookie } }), 1);
    await noteRefusal(stage, "/", { cookie: "session=ada.forged" });
  });
});

test("cookies that nobody looks for are not read", async () => {
  const stage = new Stage({});
  const opened = Promise.withResolvers<string[]>();
  stage.serve((app) => app.ws("/", { open: (ws) => opened.resolve(Object.keys(ws.data)) }));
  await stage.connect("/", { headers: HEADERS });
  expect(await opened.promise).not.toContain("cookie");
  await stage.end();
});
