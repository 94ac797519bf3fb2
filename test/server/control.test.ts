import { describe, expect, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import type { Elysia } from "elysia";

import type { ShardcastConfig } from "../../src/index";
import { connect, within } from "../helpers/client";
import { serve } from "../helpers/serving";

const both: [string, ShardcastConfig][] = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
];

type Socket = ServerWebSocket<unknown>;

/** The server's socket of the next client, below Elysia's wrapping. */
function socketOf(app: Elysia, hooks: object = {}): { app: Elysia; socket: Promise<Socket> } {
  const { promise, resolve } = Promise.withResolvers<Socket>();
  app.ws("/", {
    ...hooks,
    open(ws) {
      ws.subscribe("ticks");
      resolve(ws.raw as Socket);
    },
  });
  return { app, socket: promise };
}

/** A connected client and its socket at the server. */
async function pair(config: ShardcastConfig, hooks: object = {}) {
  let socket: Promise<Socket> | undefined;
  const { ws, app } = serve(config, (app) => {
    socket = socketOf(app, hooks).socket;
  });
  const client = await connect(ws);
  return { app, client, socket: (await socket) as Socket };
}

describe.each(both)("a socket, %s", (_name, config) => {
  test("pings and pongs, and answers how that went", async () => {
    const { client, socket } = await pair(config);
    const heard: [string, string][] = [];
    const all = Promise.withResolvers<void>();
    for (const kind of ["ping", "pong"] as const) {
      client.socket.on(kind, (data: Buffer) => {
        if (heard.push([kind, data.toString()]) === 5) all.resolve();
      });
    }
    const answers = [
      socket.ping(),
      socket.ping("abc"),
      socket.ping(new Uint8Array([65])),
      socket.pong("x"),
      socket.pong(),
    ];
    expect(answers).toEqual([0, 3, 1, 1, 0]);
    await within(all.promise, "pings and pongs");
    expect(heard).toEqual([
      ["ping", ""],
      ["ping", "abc"],
      ["ping", "A"],
      ["pong", "x"],
      ["pong", ""],
    ]);
    expect(() => socket.ping("a".repeat(126))).toThrow(RangeError);
    expect(() => socket.pong("a".repeat(126))).toThrow(RangeError);
  });

  test("answers what its client says just before it closes", async () => {
    const { client } = await pair(config, {
      async message(ws: { send(data: string): void }) {
        ws.send("at once");
        await undefined;
        ws.send("in a microtask");
      },
    });
    client.send("question");
    expect(await client.close(4001)).toEqual({ code: 4001, reason: "" });
    expect(await client.take(2)).toEqual(["at once", "in a microtask"]);
  });

  test("tells of its client's pings and pongs", async () => {
    const heard: string[] = [];
    const both = Promise.withResolvers<void>();
    const hear = (what: string) => {
      if (heard.push(what) === 2) both.resolve();
    };
    const { client } = await pair(config, { ping: () => hear("ping"), pong: () => hear("pong") });
    client.socket.ping("you?");
    client.socket.pong("here");
    await within(both.promise, "both");
    expect(heard).toEqual(["ping", "pong"]);
  });

  test("tells once its client has taken what waited", async () => {
    const drained = Promise.withResolvers<number>();
    const hooks = { drain: (ws: { raw: Socket }) => drained.resolve(ws.raw.getBufferedAmount()) };
    const { client, socket } = await pair({ ...config, backpressureLimit: 1 << 20 }, hooks);
    client.socket.pause();
    const message = "y".repeat(65_536);
    expect(socket.send(message)).toBe(65_536);
    const behind = async () => {
      // A worker that is to say that the socket is full needs its turn.
      while (socket.send(message) !== -1) await Bun.sleep(1);
    };
    await within(behind(), "a full socket");
    while (socket.send(message) !== 0);
    expect(socket.getBufferedAmount()).toBeGreaterThan(0);
    client.socket.resume();
    expect(await within(drained.promise, "the drain")).toBe(0);
    expect(socket.send("again")).toBe(5);
  });

  test("can be closed for what waits for it", async () => {
    const closed = Promise.withResolvers<number>();
    const limits = { backpressureLimit: 1 << 20, closeOnBackpressureLimit: true };
    const { client, socket } = await pair(
      { ...config, ...limits },
      { close: (_ws: unknown, code: number) => closed.resolve(code) },
    );
    client.socket.pause();
    while (socket.send("y".repeat(65_536)) !== 0);
    expect(await within(closed.promise, "the close")).toBe(1006);
    client.terminate();
  });

  test.each([true, false])("hears what it publishes, if it is to: %p", async (publishToSelf) => {
    const { client, socket, app } = await pair({ ...config, publishToSelf });
    socket.publish("ticks", "mine");
    app.server?.publish("ticks", "everyone's");
    const expected = publishToSelf ? ["mine", "everyone's"] : ["everyone's"];
    expect(await client.take(expected.length)).toEqual(expected);
  });

  test("reads nothing while it is paused, and sends all the same", async () => {
    const heard: string[] = [];
    const message = Promise.withResolvers<void>();
    const { client, socket } = await pair(config, {
      message(_ws: unknown, text: string) {
        heard.push(text);
        message.resolve();
      },
    });
    expect(socket.isPaused).toBe(false);
    socket.pause();
    expect(socket.isPaused).toBe(true);
    client.send("held back");
    socket.send("one way");
    expect(await client.next()).toBe("one way");
    expect(heard).toEqual([]);
    socket.resume();
    await within(message.promise, "the message");
    expect([heard, socket.isPaused]).toEqual([["held back"], false]);
  });

  test("does nothing any more once it is closed", async () => {
    const { socket } = await pair(config);
    socket.close();
    expect([socket.ping(), socket.pong("x"), socket.isPaused]).toEqual([0, 0, false]);
    socket.pause();
    socket.resume();
    expect(socket.isPaused).toBe(false);
  });
});
