import { describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { Elysia } from "elysia";

import { createBroadcaster, type Source, shardcast } from "../src/index";
import { Lifecycle } from "../src/lifecycle";
import { connect, refused, until, within } from "./helpers/client";
import { SMALL, serve } from "./helpers/serving";
import { logged, spyLogger } from "./helpers/spy-logger";

/** What a WebSocket client sends first. */
const UPGRADE =
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ family }) => family === "IPv6"),
);

const both = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const;

describe.each(both)("the server, %s", (_name, config) => {
  test("is what onStart and the callback of listen see", async () => {
    const seen: unknown[] = [];
    const app = new Elysia({ adapter: shardcast({ ...SMALL, ...config }) })
      .onStart(({ server }) => void seen.push(server?.port))
      .listen({ port: 0, hostname: "127.0.0.1" }, (server) => void seen.push(server.port));
    const { port, url, hostname, protocol } = app.server ?? {};
    expect(port).toBeGreaterThan(0);
    expect(seen).toEqual([port, port]);
    expect(String(url)).toBe(`http://127.0.0.1:${port}/`);
    expect([hostname, protocol]).toEqual(["127.0.0.1", "http"]);
    await app.stop(true);
  });

  test("listens where a port alone says", async () => {
    const app = new Elysia({ adapter: shardcast({ ...SMALL, ...config }) })
      .get("/", "here")
      .listen("0");
    const answer = await fetch(`http://127.0.0.1:${app.server?.port}/`);
    expect(await answer.text()).toBe("here");
    await app.stop(true);
  });

  test.skipIf(!HAS_IPV6)("listens for IPv4 and IPv6 when no host is named", async () => {
    const app = new Elysia({ adapter: shardcast({ ...SMALL, ...config }) })
      .get("/ip", ({ request, server }) => server?.requestIP(request)?.address)
      .listen(0);
    const { port, hostname, url } = app.server ?? {};
    expect([hostname, String(url)]).toEqual(["localhost", `http://localhost:${port}/`]);
    const seen = async (host: string) => (await fetch(`http://${host}:${port}/ip`)).text();
    expect(await seen("127.0.0.1")).toBe("::ffff:127.0.0.1");
    expect(await seen("[::1]")).toBe("::1");
    await app.stop(true);
  });

  test("says so when the port is taken", async () => {
    const { app } = serve(config, (app) => app.get("/", "first"));
    const port = app.server?.port as number;
    const second = new Elysia({ adapter: shardcast({ ...SMALL, ...config }) });
    expect(() => second.listen({ port, hostname: "127.0.0.1" })).toThrow(
      expect.objectContaining({ code: "EADDRINUSE" }),
    );
  });

  test("is not ended by a stop of the server before it", async () => {
    const { app, ws, broadcaster } = serve(config, (app) => app.get("/", "here").ws("/", {}));
    await connect(`${ws}/`);
    const old = app.server;
    const gentle = old?.stop();
    await old?.stop(true);
    app.listen({ port: 0, hostname: "127.0.0.1" });
    const client = await connect(`ws://127.0.0.1:${app.server?.port}/`);
    await gentle;
    await old?.stop(true);
    expect(broadcaster.state).toBe("serving");
    expect(await (await fetch(String(app.server?.url))).text()).toBe("here");
    await client.close();
  });

  test("tells by publish whether anyone was there", async () => {
    const { app, ws, broadcaster } = serve(config, (app) =>
      app.ws("/", {
        open(ws) {
          ws.subscribe("ticks");
          ws.send("ready");
        },
      }),
    );
    expect(app.server?.publish("ticks", "unheard")).toBe(0);
    expect(broadcaster.publish("ticks", "unheard")).toEqual({
      subscribers: 0,
      shards: 0,
      dropped: 0,
      saturated: 0,
    });
    const client = await connect(ws);
    expect(await client.next()).toBe("ready");
    expect(app.server?.publish("ticks", "é")).toBe(2);
    expect(app.server?.publish("ticks", new Uint8Array([1, 2, 3]))).toBe(3);
    expect(broadcaster.publish("ticks", "one")).toEqual({
      subscribers: 1,
      shards: 1,
      dropped: 0,
      saturated: 0,
    });
    expect(await client.take(3)).toEqual(["é", Buffer.from([1, 2, 3]), "one"]);
  });

  test("counts clients while they are there", async () => {
    const { app, ws, broadcaster } = serve(config, (app) => app.ws("/", {}));
    const clients = await Promise.all([connect(ws), connect(ws), connect(ws)]);
    expect(app.server?.pendingWebSockets).toBe(3);
    await until(() => broadcaster.stats().total_clients === 3, "all to be counted");
    for (const client of clients) await client.close();
    await until(() => app.server?.pendingWebSockets === 0, "all to leave");
  });

  test("stops at once when told to, and closes clients with 1001", async () => {
    let stopped = 0;
    const { app, ws, http } = serve(config, (app) =>
      app.ws("/", {}).onStop(() => {
        stopped += 1;
      }),
    );
    const client = await connect(ws);
    await within(app.stop(true), "the stop");
    // Bun cuts the connection when it stops; the sharded server takes the time for a handshake.
    expect([1001, 1006]).toContain((await within(client.closed, "the close")).code);
    expect(stopped).toBe(1);
    expect(app.server).toBeNull();
    expect(fetch(http)).rejects.toThrow();
  });
});

describe.each(both)("the broadcaster, %s", (_name, config) => {
  test("has no subscriber before listen", () => {
    const { broadcaster } = shardcast({ ...SMALL, ...config });
    expect(broadcaster.state).toBe("starting");
    expect(broadcaster.publish("ticks", "unheard").shards).toBe(0);
    expect(broadcaster.subscriberCount("ticks")).toBe(0);
    expect(broadcaster.stats().total_clients).toBe(0);
  });

  test("counts what was published and delivered", async () => {
    const { ws, broadcaster } = serve(config, (app) =>
      app.ws("/", {
        open(ws) {
          ws.subscribe("ticks");
          ws.send("ready");
        },
      }),
    );
    const clients = await Promise.all(Array.from({ length: 10 }, () => connect(ws)));
    for (const client of clients) expect(await client.next()).toBe("ready");
    const sent = Array.from({ length: 30 }, (_, n) => `message ${n}`);
    for (const message of sent) broadcaster.publish("ticks", message);
    for (const client of clients) expect(await client.take(30)).toEqual(sent);
    await until(() => delivered(broadcaster.stats()) >= 300, "the counters");
    const { total_clients, total_shards } = broadcaster.stats();
    expect(total_clients).toBe(10);
    expect(total_shards).toBe("useSharding" in config ? 1 : SMALL.numShards);
  });

  test("lets a source go on when the queues have room", async () => {
    const { broadcaster } = serve(config, (app) => app.ws("/", {}));
    expect(broadcaster.queueLoad()).toBe(0);
    await within(broadcaster.writable(), "room");
  });

  test("shuts down in order: delivers, closes all, frees the port", async () => {
    const closes: number[] = [];
    const { ws, http, broadcaster } = serve(config, (app) =>
      app.ws("/", {
        open(ws) {
          ws.subscribe("ticks");
          ws.send("ready");
        },
        close: (_ws, code) => void closes.push(code),
      }),
    );
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(ws)));
    for (const client of clients) expect(await client.next()).toBe("ready");
    broadcaster.publish("ticks", "last words");
    await within(broadcaster.shutdown({ spreadMs: 50, timeoutMs: 4000 }), "the shutdown");
    for (const client of clients) {
      expect(await client.next()).toBe("last words");
      expect((await within(client.closed, "the close")).code).toBe(1001);
    }
    expect(closes).toHaveLength(8);
    expect(fetch(http)).rejects.toThrow();
    expect(broadcaster.publish("ticks", "too late").shards).toBe(0);
  });

  test("shuts down all servers of an app that has listened twice", async () => {
    const { app, http, broadcaster } = serve(config, (app) => app.get("/", "here").ws("/", {}));
    app.listen({ port: 0, hostname: "127.0.0.1" });
    const client = await connect(`ws://127.0.0.1:${app.server?.port}/`);
    await until(() => broadcaster.stats().total_clients === 1, "the client to be counted");
    await within(broadcaster.shutdown({ spreadMs: 0, timeoutMs: 4000 }), "the shutdown");
    expect((await client.closed).code).toBe(1001);
    expect(broadcaster.state).toBe("ended");
    for (const url of [http, String(app.server?.url)]) expect(fetch(url)).rejects.toThrow();
  });

  test("logs each state once, also of an app that listens twice", async () => {
    const logger = spyLogger();
    const { app, broadcaster } = serve({ ...config, logger }, (app) => app.ws("/", {}));
    app.listen({ port: 0, hostname: "127.0.0.1" });
    await broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
    const states = logged(logger, "info").map(({ fields }) => fields.state);
    expect(states).toEqual(["serving", "draining", "ended"]);
  });

  test("ends at the deadline, though clients have not left", async () => {
    const reached = Promise.withResolvers<void>();
    const { http, broadcaster } = serve(config, (app) =>
      app.get("/never", () => {
        reached.resolve();
        return new Promise<string>(() => {});
      }),
    );
    const answer = fetch(`${http}/never`).then(
      ({ status }) => status >= 500,
      () => true,
    );
    await within(reached.promise, "the request");
    await within(broadcaster.shutdown({ spreadMs: 0, timeoutMs: 50 }), "the deadline");
    expect(await within(answer, "the cut")).toBe(true);
  });

  test("lets a request under way be answered before it ends", async () => {
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const { http, broadcaster } = serve(config, (app) =>
      app.get("/slow", async () => {
        reached.resolve();
        await gate.promise;
        return "in time";
      }),
    );
    const answer = fetch(`${http}/slow`).then((response) => response.text());
    await within(reached.promise, "the request");
    const shutdown = broadcaster.shutdown({ spreadMs: 0, timeoutMs: 4000 });
    gate.resolve();
    expect(await within(answer, "the answer")).toBe("in time");
    await within(shutdown, "the shutdown");
  });
});

describe("the sharded server", () => {
  test("answers 503 with Retry-After when the client's shard is full", async () => {
    let opened = 0;
    const { ws, app } = serve({ numShards: 1, maxClients: 2 }, (app) =>
      app.ws("/", {
        open: () => {
          opened += 1;
        },
      }),
    );
    await Promise.all([connect(ws), connect(ws)]);
    const { status, headers } = await refused(ws);
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect([opened, app.server?.pendingWebSockets]).toEqual([2, 2]);
  });

  test("places a client by the id that the app gives it", async () => {
    const { ws, broadcaster } = serve(
      {
        numShards: 4,
        maxClients: 2,
        clientId: (request) => new URL(request.url).searchParams.get("id") ?? "",
      },
      (app) => app.ws("/", {}),
    );
    await Promise.all([connect(`${ws}/?id=same`), connect(`${ws}/?id=same`)]);
    expect((await refused(`${ws}/?id=same`)).status).toBe(503);
    // A worker shows its counters once a turn, which may come after the client's handshake.
    await until(() => broadcaster.stats().total_clients === 2, "both to be counted");
  });

  test("refuses a client whose Host would change the path", async () => {
    const { ws } = serve({}, (app) => app.ws("/admin", {}).ws("/", {}));
    expect((await refused(ws, { headers: { host: "local.host/admin?" } })).status).toBe(400);
  });

  test("refuses an upgrade of a plain route with that route's answer", async () => {
    const { ws } = serve({}, (app) => app.get("/plain", () => "no sockets here"));
    expect(await refused(`${ws}/plain`)).toMatchObject({ status: 200, body: "no sockets here" });
  });

  test.each([
    ["tls", { tls: { cert: "", key: "" } }],
    ["unix", { unix: "/tmp/x.sock" }],
  ])("names the option that it cannot serve: %s", (name, options) => {
    const app = new Elysia({ adapter: shardcast(SMALL) });
    const listen = () => app.listen({ port: 0, ...options } as Parameters<typeof app.listen>[0]);
    expect(listen).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringContaining(name) }),
    );
    expect(app.server).toBeNull();
  });

  test.each([
    ["listen", {}, { tls: { cert: "", key: "" } }],
    ["serve", { serve: { tls: { cert: "", key: "" } } }, {}],
  ])("says what to do instead of TLS, asked for in %s", (_name, options, where) => {
    const app = new Elysia({ adapter: shardcast(SMALL), ...(options as object) });
    expect(() => app.listen({ port: 0, ...where })).toThrow(/"tls".*a proxy in front/);
  });

  test("says so when its host has no address", () => {
    const app = new Elysia({ adapter: shardcast(SMALL) });
    expect(() => app.listen({ port: 0, hostname: "no..name" })).toThrow(
      expect.objectContaining({ code: "ENOTFOUND", message: expect.stringContaining("no..name") }),
    );
  });

  test("can listen again after a stop", async () => {
    const { app } = serve({}, (app) => app.get("/", "again"));
    await app.stop();
    app.listen({ port: 0, hostname: "127.0.0.1" });
    expect(await (await fetch(String(app.server?.url))).text()).toBe("again");
  });

  test.skipIf(process.platform !== "linux")("leaves nothing behind, however often it ends", () => {
    const fixture = join(import.meta.dir, "fixtures/cycles.ts");
    const { stdout } = Bun.spawnSync([process.execPath, fixture]);
    expect(String(stdout).trim()).toBe("nothing stays");
  });

  test("waits for its clients to leave when it is stopped gently", async () => {
    const { app, ws } = serve({}, (app) => app.ws("/", { message: (ws, m) => void ws.send(m) }));
    const client = await connect(ws);
    const stop = app.stop();
    client.send("still here?");
    expect(await client.next()).toBe("still here?");
    await client.close();
    await within(stop, "the stop");
  });
});

describe("an upgrade that the app never decides", () => {
  const never = () => new Promise<void>(() => {});

  test("does not hold up a gentle stop once the door has given it up", async () => {
    const { app, ws } = serve({ upgradeTimeoutMs: 20 }, (app) =>
      app.ws("/", { beforeHandle: never }),
    );
    expect((await refused(ws)).status).toBe(503);
    expect(app.server?.pendingRequests).toBe(0);
    await within(app.stop(), "the stop");
  });

  test("does not hold up a gentle stop once its client has gone", async () => {
    const reached = Promise.withResolvers<void>();
    const { app } = serve({}, (app) =>
      app.ws("/", {
        beforeHandle: () => {
          reached.resolve();
          return never();
        },
      }),
    );
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port: app.server?.port as number,
      socket: { open: (socket) => void socket.write(UPGRADE), data() {} },
    });
    await within(reached.promise, "the upgrade");
    expect(app.server?.pendingRequests).toBe(1);
    client.terminate();
    await within(app.stop(), "the stop");
  });
});

test("what a broadcaster does once it serves comes before its sources flow", async () => {
  const order: string[] = [];
  const pulled = Promise.withResolvers<void>();
  const source: Source = {
    channel: "ticks",
    canWait: true,
    async *messages() {
      order.push("source");
      pulled.resolve();
      yield "a message";
    },
  };
  const sink = createBroadcaster({ useSharding: false });
  const lifecycle = new Lifecycle({}, [source], sink, () => void order.push("warnings"));
  lifecycle.enter({}, "serving");
  await within(pulled.promise, "the source");
  expect(order).toEqual(["warnings", "source"]);
});

function delivered(stats: object): number {
  let sum = 0;
  for (const shard of Object.values(stats)) {
    if (typeof shard === "object" && shard !== null)
      sum += (shard as { deliveries: number }).deliveries;
  }
  return sum;
}
