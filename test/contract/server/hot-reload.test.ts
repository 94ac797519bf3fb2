/** `bun --hot`: after an edit the server has its new code, and its clients stay. */

import { expect, test } from "bun:test";
import { join } from "node:path";

import { connect, type TestClient } from "../../helpers/client";
import { HotApp, linesOf } from "../../helpers/hot-app";
import { SMALL } from "../../helpers/serving";

const ELYSIA = Bun.resolveSync("elysia", import.meta.dir);
const SHARDCAST = join(import.meta.dir, "../../../src/index.ts");

/** An app that says which version of it acts. */
const APP = (version: string, config = "undefined") => `
import { Elysia } from ${JSON.stringify(ELYSIA)};
import { createBroadcaster, endOnSignals, shardcast } from ${JSON.stringify(SHARDCAST)};

async function* ticks() {
  for (;;) {
    yield "tick of ${version}";
    await Bun.sleep(1);
  }
}
const config = ${config};
const broadcaster = config && createBroadcaster(config, { ticks: ticks() });
const app = new Elysia(broadcaster ? { adapter: shardcast(broadcaster) } : {})
  .get("/", () => "${version}")
  .get("/publish", ({ server }) => String(server.publish("news", "${version} publishes") > 0))
  .get("/clients", ({ server }) => String(server.pendingWebSockets))
  .ws("/ws", {
    open(ws) {
      ws.subscribe("news");
      ws.send("${version} opens");
    },
    message: (ws, message) => void ws.send("${version}: " + message),
    close: () => console.log("${version} closes"),
  })
  .ws("/ticks", { open: (ws) => void ws.subscribe("ticks") })
  .listen({ hostname: "127.0.0.1", port: 0 });
if (broadcaster) endOnSignals(broadcaster);
console.log(app.server.port);
`;

/** All that is seen of an edit, with a client that was there before and one that comes after. */
async function transcript(config: object | undefined): Promise<unknown[]> {
  const text = JSON.stringify(config);
  const app = await HotApp.start(APP("one", text));
  const port = await app.line();
  const say = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const seen: unknown[] = [await say("/")];
  const before = await connect(`ws://127.0.0.1:${port}/ws`);
  seen.push(await before.next());

  await app.edit(APP("two", text));
  seen.push((await app.line()) === port, await say("/"), await say("/publish"));
  seen.push(await before.next());
  before.send("hello");
  seen.push(await before.next());
  const after = await connect(`ws://127.0.0.1:${port}/ws`);
  seen.push(await after.next(), await say("/clients"));
  after.send("hello");
  seen.push(await after.next());
  await say("/publish");
  seen.push(await before.next(), await after.next());
  await before.close();
  seen.push(await app.line());
  await after.close();
  seen.push(await app.line(), await say("/clients"));
  return seen;
}

test("an edit replaces the handlers and keeps the clients, as with Bun", async () => {
  const configs = [undefined, { ...SMALL, useSharding: false }, SMALL];
  const [builtIn, onBun, sharded] = await Promise.all(configs.map(transcript));
  expect(builtIn).toContain("two opens");
  expect(sharded).toEqual(builtIn);
  expect(onBun).toEqual(builtIn);
}, 20_000);

test.each([
  ["Bun broadcaster", { ...SMALL, useSharding: false }],
  ["sharded", SMALL],
])(
  "an edit replaces the sources, and a stream goes on: %s",
  async (_name, config) => {
    const text = JSON.stringify(config);
    const app = await HotApp.start(APP("one", text));
    const client = await connect(`ws://127.0.0.1:${await app.line()}/ticks`);
    expect(await client.next()).toBe("tick of one");
    await app.edit(APP("two", text));
    await comesTo(client, "tick of two");
    expect(new Set(await client.take(20))).toEqual(new Set(["tick of two"]));
  },
  20_000,
);

test("an edit of code alone needs no other start, and signals end what is reloaded", async () => {
  const app = await HotApp.start(APP("one", JSON.stringify(SMALL)));
  const client = await connect(`ws://127.0.0.1:${await app.line()}/ws`);
  for (const version of ["two", "three"]) {
    await app.edit(APP(version, JSON.stringify(SMALL)));
    await app.line();
  }
  app.child.kill("SIGTERM");
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(await app.line()).toBe("one closes");
  expect(await app.child.exited).toBe(0);
  expect(await app.child.stderr.text()).toBe("");
}, 20_000);

test("an edit that needs another start says so", async () => {
  const app = await HotApp.start(APP("one", JSON.stringify(SMALL)));
  const port = await app.line();
  await app.edit(APP("two", JSON.stringify({ ...SMALL, numShards: 3, maxClients: 7 })));
  expect(await app.line()).toBe(port);
  for await (const line of linesOf(app.child.stderr)) {
    if (!line.includes("a reloaded server keeps its old value")) continue;
    expect(line).toContain("numShards, maxClients");
    return;
  }
  expect.unreachable();
}, 20_000);

async function comesTo(client: TestClient, message: string): Promise<void> {
  while ((await client.next()) !== message);
}
