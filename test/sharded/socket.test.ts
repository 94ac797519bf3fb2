import { expect, test } from "bun:test";

import type { ShardcastConfig, ShardcastSocket } from "../../src/index";
import { loadNative } from "../../src/sharded/native";
import { shardsOf } from "../../src/stats/stats";
import { connect, type TestClient, until, within } from "../helpers/client";
import { serve } from "../helpers/serving";

/** A client, and the socket that the app holds of it. */
async function pair(): Promise<{
  client: TestClient;
  socket: ShardcastSocket;
  closed: Promise<void>;
}> {
  const opened = Promise.withResolvers<ShardcastSocket>();
  const closed = Promise.withResolvers<void>();
  const { ws } = serve({ maxChannelsPerClient: 3 }, (app) =>
    app.ws("/", {
      open: (ws) => opened.resolve(ws.raw as unknown as ShardcastSocket),
      message(ws, message) {
        const name = (message as object).constructor.name;
        ws.send(typeof message === "string" ? message : name);
      },
      close: () => closed.resolve(),
    }),
  );
  const client = await connect(ws);
  return { client, socket: await opened.promise, closed: closed.promise };
}

test.each([0, 1005, 1006])("a socket closes without a code for %p", async (code) => {
  const { socket, client } = await pair();
  socket.close(code);
  expect((await within(client.closed, "close")).code).toBe(1005);
});

test("a client that the app gives no id has one of its own, and lives where that says", async () => {
  const sockets: ShardcastSocket[] = [];
  const { ws } = serve({ numShards: 4, workersPerShard: 2 }, (app) =>
    app.ws("/", { open: (ws) => void sockets.push(ws.raw as unknown as ShardcastSocket) }),
  );
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect(ws)));
  const [first, ...others] = sockets as [ShardcastSocket, ...ShardcastSocket[]];
  for (const { id, shard, worker } of [first, ...others]) {
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    const hash = loadNative().fnv1a(id);
    expect({ shard, worker }).toEqual({ shard: hash % 4, worker: Math.floor(hash / 4) % 2 });
  }
  expect(new Set(sockets.map(({ id }) => id)).size).toBe(20);
  const { id } = first;
  await Promise.all(clients.map((client) => client.close()));
  expect(first.id).toBe(id);
});

test("with a placementKey clients are spread that have chosen their ids for one place", async () => {
  const { fnv1a } = loadNative();
  const numbers = Array.from({ length: 1000 }, (_, number) => `${number}`);
  const chosen = numbers.filter((id) => fnv1a(id) % 8 === 0).slice(0, 40);
  const clientsOn = async (config: ShardcastConfig) => {
    const clientId = (request: Request) => new URL(request.url).searchParams.get("id") ?? "";
    const seen = [0, 0, 0, 0];
    const open = ({ raw }: { raw: unknown }) => {
      const { shard } = raw as ShardcastSocket;
      seen[shard] = (seen[shard] ?? 0) + 1;
    };
    const sizes = { numShards: 4, workersPerShard: 2, clientId };
    const { ws, broadcaster } = serve({ ...sizes, ...config }, (app) => app.ws("/", { open }));
    await Promise.all(chosen.map((id) => connect(`${ws}/?id=${id}`)));
    // What the sockets say is what the core has counted.
    const counted = () => shardsOf(broadcaster.stats()).map(({ clients }) => clients);
    await until(() => counted().reduce((sum, clients) => sum + clients) === chosen.length);
    expect(seen).toEqual(counted());
    return seen;
  };
  expect(await clientsOn({})).toEqual([chosen.length, 0, 0, 0]);
  const spread = await clientsOn({ placementKey: "000102030405060708090a0b0c0d0e0f" });
  expect(Math.min(...spread)).toBeGreaterThan(0);
});

test("a closed socket answers as Bun's does", async () => {
  const { socket, client, closed } = await pair();
  socket.subscribe("a");
  await client.close(1000);
  await within(closed, "close");
  expect(socket.readyState).toBe(3);
  expect([socket.send("x"), socket.publish("a", "x"), socket.getBufferedAmount()]).toEqual([
    0, 0, 0,
  ]);
  expect([socket.subscribe("b"), socket.unsubscribe("a"), socket.isSubscribed("a")]).toEqual([
    false,
    false,
    false,
  ]);
  expect(socket.subscriptions).toEqual([]);
  expect(socket.cork(() => 7)).toBe(7);
  socket.terminate();
  socket.close(1000);
});

test("a socket holds a limited number of channels", async () => {
  const { socket } = await pair();
  for (const channel of ["a", "b", "c"]) expect(socket.subscribe(channel)).toBe(true);
  expect(() => socket.subscribe("d")).toThrow();
  expect(socket.subscriptions.sort()).toEqual(["a", "b", "c"]);
});

test("a socket needs the name of a channel", async () => {
  const { socket } = await pair();
  expect(() => socket.subscribe("")).toThrow("subscribe requires a non-empty channel name");
  expect(() => socket.publish("", "x")).toThrow("publish requires a non-empty channel name");
});

test("a socket sends every kind of data", async () => {
  const { socket, client } = await pair();
  expect(socket.send("é")).toBe(2);
  socket.sendText("text");
  socket.sendBinary(new Uint16Array([0x0201]));
  socket.send(new Uint8Array([3]).buffer);
  expect(await client.take(4)).toEqual(["é", "text", Buffer.from([1, 2]), Buffer.from([3])]);
});

test.each([
  ["nodebuffer", "Buffer"],
  ["arraybuffer", "ArrayBuffer"],
  ["uint8array", "Uint8Array"],
  ["blob", "Blob"],
] as const)("a socket hands over binary messages as %s", async (type, name) => {
  const { socket, client } = await pair();
  socket.binaryType = type;
  client.send(new Uint8Array([1, 2]));
  expect(await client.next()).toBe(name);
});
