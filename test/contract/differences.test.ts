/** What differs from Bun on purpose: a test for each row of docs/parity.md. */

import { describe, expect, onTestFinished, test } from "bun:test";
import { connect as dial, type Socket as TcpSocket } from "node:net";
import { join } from "node:path";
import { Elysia } from "elysia";

import { type ShardcastConfig, type ShardcastError, shardcast } from "../../src/index";
import { shardsOf } from "../../src/stats/stats";
import { connect, within } from "../helpers/client";
import { HotApp } from "../helpers/hot-app";
import { SMALL, serve } from "../helpers/serving";
import { type Socket, until } from "./both";
import { ELYSIA_DIFFERENCES } from "./elysia/differences";
import { HTTP_DIFFERENCES } from "./http/differences";
import { HEAD_DIFFERENCES } from "./http/head-differences";

/** More than two sockets hold between them. */
const LARGE = "x".repeat(15 << 20);
const TABLES = join(import.meta.dir, "../../docs/parity.md");

/** A difference, and how to see it: on Bun's own and on shards. */
const DIFFERENCES: Record<string, () => Promise<void>> = {
  async "an edit of WebSocket limits under bun --hot"() {
    const code = (config: ShardcastConfig | undefined, maxPayloadLength: number) => `
      import { Elysia } from ${JSON.stringify(Bun.resolveSync("elysia", import.meta.dir))};
      import { shardcast } from ${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))};
      const config = ${JSON.stringify(config)};
      const adapter = config && { adapter: shardcast(config) };
      const app = new Elysia({ ...adapter, websocket: { maxPayloadLength: ${maxPayloadLength} } })
        .ws("/", { message: (ws, message) => void ws.send(message) })
        .listen({ hostname: "127.0.0.1", port: 0 });
      console.log(app.server.port);`;
    const edited = async (config: ShardcastConfig | undefined) => {
      const app = await HotApp.start(code(config, 8));
      const port = await app.line();
      await app.edit(code(config, 16));
      await app.line();
      const client = await connect(`ws://127.0.0.1:${port}/`);
      client.send("twelve bytes");
      return Promise.race([client.next(), client.closed.then(({ code }) => code)]);
    };
    expect(await edited(undefined)).toBe("twelve bytes");
    expect(await edited(SMALL)).toBe(1009);
  },

  async "a second server on the same port"() {
    const second = async (config: ShardcastConfig | undefined) => {
      const options = () => config && { adapter: shardcast({ ...SMALL, ...config }) };
      const apps = [new Elysia({ ...options() }), new Elysia({ ...options() })] as const;
      apps[0].listen({ port: 0, hostname: "127.0.0.1" });
      try {
        apps[1].listen({ port: apps[0].server?.port as number, hostname: "127.0.0.1" });
        return "shares";
      } catch (error) {
        return (error as ShardcastError).code;
      } finally {
        for (const app of apps) if (app.server) await app.stop(true);
      }
    };
    expect(await second(undefined)).toBe("shares");
    expect(await second({ useSharding: false })).toBe("EADDRINUSE");
    expect(await second({})).toBe("EADDRINUSE");
  },

  async getBufferedAmount() {
    const sent = async (config: ShardcastConfig) => {
      const { socket } = await pair(config);
      socket.send("text");
      const amount = socket.getBufferedAmount();
      await until(() => socket.getBufferedAmount() === 0);
      return amount;
    };
    expect(await sent({ useSharding: false })).toBe(0);
    expect(await sent({})).toBeLessThanOrEqual("text".length + 2);
    const published = async (config: ShardcastConfig) => {
      const { app, client, socket } = await pair(config);
      client.socket.pause();
      app.server?.publish("news", LARGE);
      return socket.getBufferedAmount();
    };
    expect(await published({ useSharding: false })).toBeGreaterThan(0);
    expect(await published({})).toBe(0);
  },

  async drain() {
    const left = async (config: ShardcastConfig) => {
      const { client, socket, drained } = await pair({ ...config, backpressureLimit: 64 << 20 });
      client.socket.pause();
      // More than two sockets hold, and more again.
      for (let count = 0; count < 3; count += 1) socket.send(LARGE);
      await until(() => socket.send("x") === -1);
      client.socket.resume();
      return drained;
    };
    expect(await left({ useSharding: false })).toBeGreaterThan(0);
    expect(await left({})).toBe(0);
  },

  async "the result of publish"() {
    const answers = async (config: ShardcastConfig) => {
      const { client, app } = await pair({ ...config, backpressureLimit: 1024 });
      client.socket.pause();
      return [LARGE, "next"].map((message) => app.server?.publish("news", message));
    };
    expect(await answers({ useSharding: false })).toEqual([-1, 0]);
    expect(await answers({})).toEqual([LARGE.length, "next".length]);
    const { app, drained } = await pair({ queueMessages: 64, bufferSize: 1_000_000 });
    let answer = 1;
    while (answer > 0) answer = app.server?.publish("news", "x") ?? 0;
    await within(drained, "the drain of a subscriber");
  },

  async "pings while the socket is full"() {
    const pongs = async (config: ShardcastConfig) => {
      const all = { ...config, backpressureLimit: 64 << 20 };
      const { client, socket, pings, isSlow } = await pair(all);
      const heard: string[] = [];
      client.socket.on("pong", (data: Buffer) => heard.push(data.toString()));
      client.socket.pause();
      socket.send(LARGE);
      // A send tells that bytes wait, which the worker may not have tried to write yet.
      await until(isSlow);
      for (const ping of ["first", "last"]) client.socket.ping(ping);
      await until(() => pings() === 2);
      client.socket.resume();
      await until(() => heard.includes("last"));
      return heard;
    };
    expect(await pongs({ useSharding: false })).toEqual(["first", "last"]);
    expect(await pongs({})).toEqual(["last"]);
  },

  async "a ping between two messages that arrive in one read"() {
    const order = async (config: ShardcastConfig) => {
      const { ws } = serve(config, (app) =>
        app.ws("/", { message: (socket, text) => void socket.send(text as string) }),
      );
      const client = await connect(ws);
      const seen: string[] = [];
      for (const event of ["message", "pong"] as const) {
        client.socket.on(event, (data: Buffer) => seen.push(data.toString()));
      }
      const { _socket: tcp } = client.socket as unknown as { _socket: TcpSocket };
      tcp.cork();
      client.send("a");
      client.socket.ping("pong");
      client.send("b");
      tcp.uncork();
      await until(() => seen.length === 3);
      return seen;
    };
    expect(await order({ useSharding: false })).toEqual(["a", "pong", "b"]);
    expect(await order({})).toEqual(["a", "b", "pong"]);
  },

  async "unref while clients are connected"() {
    const withClient = async (config: string) => {
      const path = join(import.meta.dir, "../fixtures/unref.ts");
      const child = Bun.spawn([process.execPath, path, config], { stdout: "pipe" });
      onTestFinished(() => child.kill("SIGKILL"));
      const { value } = await child.stdout.getReader().read();
      const port = Number(new TextDecoder().decode(value));
      return { client: await connect(`ws://127.0.0.1:${port}/`), ended: child.exited };
    };
    const builtIn = await withClient("");
    expect(await within(builtIn.ended, "the end of the process")).toBe(0);
    expect((await builtIn.client.closed).code).toBe(1006);
    const sharded = await withClient("{}");
    await sharded.client.close();
    expect(await within(sharded.ended, "the end of the process")).toBe(0);
  },

  async "a compressor for each socket"() {
    const extensions = async (config: ShardcastConfig) => {
      const perMessageDeflate = { compress: "dedicated" } as unknown as boolean;
      const app = (app: Elysia) => {
        app.config.websocket = { perMessageDeflate } as never;
        return app.ws("/", {});
      };
      const { ws } = serve(config, app);
      return String((await connect(ws)).upgrade["sec-websocket-extensions"]);
    };
    expect(await extensions({ useSharding: false })).not.toContain("server_no_context_takeover");
    expect(await extensions({})).toContain("server_no_context_takeover");
  },

  async "a message shorter than compressionThreshold"() {
    const bytes = async (config: ShardcastConfig) => {
      const { client, socket } = await pair({ ...config, perMessageDeflate: true });
      const { _socket: wire } = client.socket as unknown as { _socket: { bytesRead: number } };
      const before = wire.bytesRead;
      socket.send("x".repeat(200), true);
      expect(await client.next()).toBe("x".repeat(200));
      return wire.bytesRead - before;
    };
    expect(await bytes({ useSharding: false })).toBeLessThan(100);
    expect(await bytes({})).toBeGreaterThan(200);
  },

  async "the close code of a protocol error"() {
    const codes = async (config: ShardcastConfig) => {
      const { client, ended } = await pair({ ...config, maxPayloadLength: 10 });
      client.send("x".repeat(11));
      return ended;
    };
    expect(await codes({ useSharding: false })).toBe(1006);
    expect(await codes({})).toBe(1009);
  },

  async "incomplete messages"() {
    const codes = async (config: ShardcastConfig) => {
      const limits = { maxPayloadLength: 1000, maxIncompleteBytes: 1024 };
      const { ws, broadcaster } = serve(
        { ...limits, ...config, numShards: 1, workersPerShard: 1 },
        (app) => app.ws("/", { message: (ws) => void ws.send("complete") }),
      );
      const clients = await Promise.all([connect(ws), connect(ws)]);
      for (const { socket } of clients) socket.send("x".repeat(900), { fin: false });
      // Both have arrived once one is closed, or once both are complete.
      const ends = clients.map(({ closed }) => closed.then(({ code }) => code));
      if (config.useSharding === undefined) {
        expect(await within(Promise.race(ends), "the close of one")).toBe(1013);
        expect(broadcaster.departures()).toMatchObject([{ reason: "unfinished", code: 1013 }]);
        expect(shardsOf(broadcaster.stats())[0]?.closed_unfinished).toBe(1);
      }
      for (const { socket } of clients) socket.send("y", { fin: true });
      return Promise.all(clients.map((client, n) => Promise.race([client.next(), ends[n]])));
    };
    expect(await codes({ useSharding: false })).toEqual(["complete", "complete"]);
    expect((await codes({})).sort()).toEqual([1013, "complete"]);
  },

  async "a client that falls behind"() {
    const { client, app, ended } = await pair({ bufferSize: 2, bufferBytes: 1 << 20 });
    client.socket.pause();
    const message = "x".repeat(1 << 16);
    const publishing = setInterval(() => app.server?.publish("news", message), 1);
    expect(await within(ended, "the close")).toBe(1013);
    clearInterval(publishing);
    client.terminate();
  },

  async "channels of one client"() {
    const { socket } = await pair({ maxChannelsPerClient: 2 });
    socket.subscribe("one more");
    expect(() => socket.subscribe("too many")).toThrow();
    const { socket: builtIn } = await pair({ useSharding: false, maxChannelsPerClient: 2 });
    builtIn.subscribe("one more");
    expect(builtIn.subscribe("and another")).toBe(true);
  },

  async "a channel name that is a number"() {
    const publish = async (config: ShardcastConfig) => {
      const { app } = await pair(config);
      return () => app.server?.publish(7 as never, "x");
    };
    expect(await publish({ useSharding: false })).not.toThrow();
    expect(await publish({})).toThrow(TypeError);
  },

  async closeIdleConnections() {
    const { app } = await pair({});
    await (await fetch(`http://127.0.0.1:${app.server?.port}/`)).text();
    expect(app.server?.closeIdleConnections()).toBeNumber();
    expect((await fetch(`http://127.0.0.1:${app.server?.port}/`)).status).toBe(200);
  },

  async "pipelined requests"() {
    const request = "GET /late HTTP/1.1\r\nHost: example.test\r\n\r\n";
    expect(await answers({ useSharding: false }, request.repeat(3))).toBeLessThan(3);
    expect(await answers({}, request.repeat(3))).toBe(3);
  },

  async "the field Connection"() {
    const headers = { connection: "close" };
    const seen = async (config: ShardcastConfig) => {
      const { app } = await pair(config);
      const answer = await fetch(`http://127.0.0.1:${app.server?.port}/connection`, { headers });
      return [await answer.text(), answer.headers.get("connection")];
    };
    expect(await seen({ useSharding: false })).toEqual(["close", null]);
    expect(await seen({})).toEqual(["none", "close"]);
  },

  async "X-Forwarded-For"() {
    const seen = async (config: ShardcastConfig) => {
      const { app } = await pair(config);
      const headers = { "x-forwarded-for": "198.51.100.1" };
      const answer = await fetch(`http://127.0.0.1:${app.server?.port}/ip`, { headers });
      return answer.text();
    };
    const trustedProxies = ["127.0.0.1"];
    expect(await seen({ useSharding: false, trustedProxies })).toBe("127.0.0.1");
    expect(await seen({ trustedProxies })).toBe("198.51.100.1");
  },

  ...ELYSIA_DIFFERENCES,
  ...HTTP_DIFFERENCES,
  ...HEAD_DIFFERENCES,
};

describe("with a purpose, it differs from Bun:", () => {
  for (const [name, see] of Object.entries(DIFFERENCES)) test(name, see);
});

test("every difference is a row of the documentation, and every row has a test", async () => {
  const lines = (await Bun.file(TABLES).text()).split("\n");
  const cells = lines.map((line) => /^\| (.*?) \|/.exec(line)?.[1]?.replaceAll("`", "") ?? "");
  const rows = cells.filter((cell) => cell !== "" && cell !== "what");
  expect(rows.toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
});

/**
 * A client on channel `news`, its socket, and what the app hears: the code of its end, what still
 * waits at the first drain, and the number of its pings.
 */
async function pair(config: ShardcastConfig) {
  const opened = Promise.withResolvers<Socket>();
  const closed = Promise.withResolvers<number>();
  const drained = Promise.withResolvers<number>();
  let pings = 0;
  const { app, broadcaster, ws } = serve(config, (app) =>
    app
      .get("/", () => "home")
      .get("/connection", ({ headers }) => headers.connection ?? "none")
      .get("/ip", ({ request, server }) => server?.requestIP(request)?.address)
      .ws("/ws", {
        open(ws) {
          ws.subscribe("news");
          opened.resolve(ws.raw as Socket);
        },
        close: (_ws, code) => closed.resolve(code),
        drain: (ws) => drained.resolve((ws.raw as Socket).getBufferedAmount()),
        ping: () => {
          pings += 1;
        },
      }),
  );
  const client = await connect(`${ws}/ws`);
  const socket = await opened.promise;
  const told = { ended: closed.promise, drained: drained.promise, pings: () => pings };
  const isSlow = () => shardsOf(broadcaster.stats()).some(({ slow_clients }) => slow_clients > 0);
  return { app, client, socket, isSlow, ...told };
}

/** What a server answers to these bytes, until it ends the connection or has nothing to add. */
async function answer(config: ShardcastConfig, request: string, enough = /never/): Promise<string> {
  const { app } = serve(config, (app) =>
    app
      .get("/late", async () => {
        await Bun.sleep(1);
        return "late";
      })
      .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" }),
  );
  const socket = dial({ port: app.server?.port as number, host: "127.0.0.1" });
  let received = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("close", resolve);
    socket.on("error", () => resolve());
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (enough.test(received)) resolve();
    });
  });
  socket.write(request, "latin1");
  await within(ended, "an answer");
  socket.destroy();
  return received;
}

async function answers(config: ShardcastConfig, requests: string): Promise<number> {
  const received = await answer(config, requests, /(HTTP[\s\S]*){3}late$/);
  return received.match(/HTTP\/1\.1 200/g)?.length ?? 0;
}
