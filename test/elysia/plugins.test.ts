import { afterEach, describe, expect, test } from "bun:test";
import { Elysia } from "elysia";

import { shardcast } from "../../src/index";
import { connect } from "../helpers/client";
import { SMALL } from "../helpers/serving";

let app: Elysia | undefined;

afterEach(async () => {
  if (app?.server) await app.stop(true);
});

/** Routes that other apps can `use`. */
const chat = (config: ConstructorParameters<typeof Elysia>[0] = {}) =>
  new Elysia(config)
    .get("/who", () => "chat")
    .ws("/chat", {
      open(ws) {
        ws.subscribe("room");
        ws.send("welcome");
      },
    });

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])("a plugin, %s", (_name, config) => {
  const adapter = () => shardcast({ ...SMALL, ...config });
  const host = () => `127.0.0.1:${app?.server?.port}`;
  const here = { port: 0, hostname: "127.0.0.1" };

  async function expectChat(): Promise<void> {
    expect(await (await fetch(`http://${host()}/who`)).text()).toBe("chat");
    const client = await connect(`ws://${host()}/chat`);
    expect(await client.next()).toBe("welcome");
    app?.server?.publish("room", "to all");
    expect(await client.next()).toBe("to all");
  }

  test("may bring WebSocket routes", async () => {
    app = new Elysia({ adapter: adapter() }).use(chat()).listen(here) as unknown as Elysia;
    await expectChat();
  });

  test("may share the adapter of its app", async () => {
    const shared = { adapter: adapter() };
    app = new Elysia(shared).use(chat(shared)).listen(here) as unknown as Elysia;
    await expectChat();
  });

  test("may arrive after listen", async () => {
    const late = Bun.sleep(1).then(() => chat());
    app = new Elysia({ adapter: adapter() }).use(late).listen(here) as unknown as Elysia;
    await app.modules;
    await expectChat();
  });

  test("may be missing, and so may ahead-of-time compilation", async () => {
    app = new Elysia({ adapter: adapter(), aot: false })
      .get("/who", () => "chat")
      .ws("/chat", {
        open(ws) {
          ws.subscribe("room");
          ws.send("welcome");
        },
      })
      .listen(here) as unknown as Elysia;
    await expectChat();
  });
});
