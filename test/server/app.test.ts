import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { resolveConfig, type ShardcastConfig } from "../../src/config/config";
import { CONFIG_KEYS } from "../../src/config/keys";
import { type AppOptions, createApp } from "../../src/server/app";
import type { ShardStats } from "../../src/stats/stats";
import { connect, refused, until, within } from "../helpers/client";
import { emptySource, SMALL } from "../helpers/serving";

const both = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const;

function start(config: ShardcastConfig, options: Partial<AppOptions> = {}) {
  const resolved = resolveConfig({ ...SMALL, maxPayloadLength: 10_000, ...config });
  const { app, broadcaster } = createApp({
    config: resolved,
    sources: [emptySource("ticks")],
    ...options,
  });
  app.listen({ hostname: "127.0.0.1", port: 0 });
  onTestFinished(() => app.stop(true).then(() => undefined));
  const address = `127.0.0.1:${app.server?.port}`;
  const http = `http://${address}`;
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}) =>
    fetch(`${http}${path}`, { method: "POST", body, headers });
  return {
    broadcaster,
    http,
    post,
    stream: `ws://${address}/stream`,
    live: `ws://${address}/live`,
    port: Number(app.server?.port),
  };
}

describe.each(both)("the ready-made app, %s", (_name, config) => {
  test("streams the channels that were asked for, text as text and bytes as bytes", async () => {
    const { post, stream } = start(config);
    const client = await connect(`${stream}?channels=a,b`);
    await connect(`${stream}?channels=b,a`);
    expect(await (await post("/publish/a", "grüße")).json()).toEqual({
      subscribers: 2,
      shards: expect.any(Number),
      dropped: 0,
      saturated: 0,
    });
    const octets = { "content-type": "application/octet-stream" };
    await post("/publish/b", new Uint8Array([0, 255]), octets);
    await post("/publish/other", "unheard");
    await post("/publish/a", "");
    const expected = ["grüße", Buffer.from([0, 255]), ""];
    expect(await client.take(3)).toEqual(expected);
  });

  test("publishes a byte order mark as any other character", async () => {
    const { post, stream } = start(config);
    const client = await connect(`${stream}?channels=a`);
    await post("/publish/a", "\uFEFFmarked");
    expect(await client.next()).toBe("\uFEFFmarked");
  });

  test("publishes to channels with any allowed name", async () => {
    const { post, stream } = start(config);
    const name = "a/b:c.d-e_F0";
    const client = await connect(`${stream}?channels=${name}`);
    await post(`/publish/${name}`, "plain");
    await post(`/publish/${encodeURIComponent(name)}`, "encoded");
    expect(await client.take(2)).toEqual(["plain", "encoded"]);
  });

  test("takes a list of channels as most HTTP clients write it", async () => {
    const { post, stream } = start(config);
    const client = await connect(`${stream}?channels=a&channels=b,c`);
    for (const channel of ["a", "b", "c"]) await post(`/publish/${channel}`, channel);
    expect(await client.take(3)).toEqual(["a", "b", "c"]);
  });

  test("answers how a message was taken: by no shard without a subscriber", async () => {
    const { post } = start(config);
    expect(await (await post("/publish/empty", "x")).json()).toEqual({
      subscribers: 0,
      shards: 0,
      dropped: 0,
      saturated: 0,
    });
  });

  test.each([
    ["no channels", ""],
    ["no name of a channel", "?channels="],
    ["a bad name beside a good one", "?channels=a&channels=b%20"],
    ["a bad name", "?channels=a%20b"],
    ["an empty name", "?channels=a,,b"],
    ["a long name", `?channels=${"x".repeat(201)}`],
    [
      "too many",
      `?channels=${Array.from({ length: CONFIG_KEYS.maxChannelsPerClient.default + 1 }, (_, n) => n).join()}`,
    ],
  ])("refuses %s with 400 before the upgrade", async (_what, query) => {
    const { stream } = start(config);
    const { status, body } = await refused(`${stream}${query}`);
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toMatchObject({
      code: "INVALID_CHANNEL",
      message: expect.stringContaining("channel"),
    });
  });

  test("takes 128 channels, of as many characters as names may have", async () => {
    const { stream, post } = start(config);
    // Bun itself takes no head of more than 16 KiB.
    const characters = "useSharding" in config ? 80 : 200;
    const names = Array.from({ length: 128 }, (_, n) => String(n).padStart(characters, "x"));
    const client = await connect(`${stream}?channels=${names.join()}`);
    await post(`/publish/${names[127]}`, "last");
    expect(await client.next()).toBe("last");
  });

  test("refuses bad names, text that is not UTF-8 and bodies over the limit", async () => {
    const { post } = start(config);
    expect((await post("/publish/a%20b", "x")).status).toBe(400);
    expect((await post("/publish/a", new Uint8Array([0xff]))).status).toBe(400);
    expect((await post("/publish/a", "x".repeat(10_000))).status).toBe(200);
    expect((await post("/publish/a", "x".repeat(10_001))).status).toBe(413);
  });

  test("is ready while it serves, and neither before nor after", async () => {
    const resolved = resolveConfig({ ...SMALL, ...config });
    const { app, broadcaster } = createApp({ config: resolved });
    const readiness = async () => {
      const answer = await app.handle(new Request("http://localhost/readyz"));
      return [answer.status, await answer.json()];
    };
    expect(await readiness()).toEqual([503, { status: "starting" }]);
    app.listen({ hostname: "127.0.0.1", port: 0 });
    expect(await readiness()).toEqual([200, { status: "serving" }]);
    const shutdown = broadcaster.shutdown({ spreadMs: 0, timeoutMs: 1000 });
    expect(await readiness()).toEqual([503, { status: "draining" }]);
    await within(shutdown, "the shutdown");
    expect(await readiness()).toEqual([503, { status: "ended" }]);
  });

  test("lists the slowest clients, as many as are asked for", async () => {
    const { http } = start(config);
    expect(await (await fetch(`${http}/slow-clients?top=3`)).json()).toEqual([]);
    for (const top of ["-1", "x", "1001"]) {
      const answer = await fetch(`${http}/slow-clients?top=${top}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({
        error: { code: "INVALID_QUERY", message: "top must be an integer from 0 to 1000" },
      });
    }
  });

  test("finds channels by a part of their names", async () => {
    const { http, stream } = start(config);
    await connect(`${stream}?channels=prices.eu,prices.us,news`);
    const found = async (query: string) => {
      const channels = (await (await fetch(`${http}/channels${query}`)).json()) as {
        channel: string;
      }[];
      return channels.map(({ channel }) => channel).toSorted();
    };
    const isSharded = config === both[0][1];
    expect(await found("?search=prices")).toEqual(isSharded ? ["prices.eu", "prices.us"] : []);
    expect(await found("")).toEqual(isSharded ? ["news", "prices.eu", "prices.us"] : []);
    expect(await found("?top=1")).toHaveLength(isSharded ? 1 : 0);
    expect((await fetch(`${http}/channels?top=many`)).status).toBe(400);
  });

  test("reconciles its counts, where each client is counted", async () => {
    const { http, stream } = start(config);
    await connect(`${stream}?channels=a`);
    const answer = await fetch(`${http}/reconciliation`);
    expect(answer.status).toBe(config === both[0][1] ? 200 : 501);
    if (!answer.ok) return;
    const dropped = { slow: 0, skipped: 0, closed: 0, queueFull: 0 };
    const nothing = { expected: 0, delivered: 0, dropped, pending: 0 };
    expect(await answer.json()).toEqual({ clients: nothing, shards: nothing });
  });

  test("lets no web page of another origin publish or watch where there is no API key", async () => {
    const { post, live, port } = start(config);
    const home = `127.0.0.1:${port}`;
    for (const origin of [
      "http://evil.example",
      "null",
      "http://127.0.0.1",
      `http://evil:${port}`,
    ]) {
      expect((await post("/publish/a", "x", { origin })).status).toBe(403);
      expect((await refused(live, { headers: { origin } })).status).toBe(403);
    }
    for (const origin of [`http://${home}`, `https://${home}`]) {
      expect((await post("/publish/a", "x", { origin })).status).toBe(200);
      await connect(live, { headers: { origin } });
    }
  });

  test("lets the API key in from wherever it comes", async () => {
    const { post } = start(config, { apiKey: "secret" });
    const headers = { origin: "http://dashboard.example", authorization: "Bearer secret" };
    expect((await post("/publish/a", "x", headers)).status).toBe(200);
  });

  test("guards all but the stream and the server's health with the API key", async () => {
    const { http, post, stream } = start(config, { apiKey: "secret" });
    const key = { authorization: "Bearer secret" };
    expect((await fetch(`${http}/healthz`)).status).toBe(200);
    expect((await fetch(`${http}/readyz`)).status).toBe(200);
    for (const path of ["/stats", "/metrics", "/slow-clients", "/channels", "/departures"]) {
      expect((await fetch(`${http}${path}`)).status).toBe(401);
      expect((await fetch(`${http}${path}`, { headers: key })).status).toBe(200);
    }
    expect((await post("/publish/a", "x")).status).toBe(401);
    expect((await post("/publish/a", "x", { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await post("/publish/a", "x", key)).status).toBe(200);
    expect((await post("/publish/a", "x", { authorization: "bearer secret" })).status).toBe(200);
    expect((await post("/publish/a", "x", { authorization: "Basic secret" })).status).toBe(401);
    await connect(`${stream}?channels=a`);
  });

  test("shows the shards' stats in the reference's shape", async () => {
    const { http, stream } = start(config);
    await connect(`${stream}?channels=a`);
    const read = async () => (await (await fetch(`${http}/stats`)).json()) as ShardStats;
    // A worker shows its counters once a turn, which may come after the client's handshake.
    const settled = async () => {
      for (;;) {
        const stats = await read();
        if (stats.total_clients > 0) return stats;
      }
    };
    const stats = await within(settled(), "the client to be counted");
    expect(stats.total_clients).toBe(1);
    expect(stats.total_shards).toBe(config === both[0][1] ? SMALL.numShards : 1);
    expect(stats.shard_0).toMatchObject({ clients: expect.any(Number), workers: 1 });
  });

  test("describes its HTTP as OpenAPI", async () => {
    const { http } = start(config);
    const api = (await (await fetch(`${http}/openapi`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { summary?: string }>>;
    };
    expect(api.openapi).toStartWith("3.");
    const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { summary }]) => [method, path, typeof summary]),
    );
    expect(operations.toSorted()).toEqual([
      ["get", "/channels", "string"],
      ["get", "/departures", "string"],
      ["get", "/healthz", "string"],
      ["get", "/metrics", "string"],
      ["get", "/readyz", "string"],
      ["get", "/reconciliation", "string"],
      ["get", "/slow-clients", "string"],
      ["get", "/stats", "string"],
      ["post", "/publish/{channel}", "string"],
    ]);
  });

  test("has a page whose files come from here, each once", async () => {
    const { http } = start(config);
    const home = await fetch(http);
    const html = await home.text();
    expect(html).toStartWith("<!doctype html>");
    expect(home.headers.get("content-security-policy")).toStartWith("default-src 'none'");
    const files = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) {
      const file = await fetch(`${http}${path}`);
      expect(file.status).toBe(200);
      await file.body?.cancel();
      const headers = { "if-none-match": String(file.headers.get("etag")) };
      expect((await fetch(`${http}${path}`, { headers })).status).toBe(304);
    }
    expect(html).not.toMatch(/(src|href)="?(https?:|\/)/);
    for (const path of ["/page/nothing.js", "/page/..%2fapp.ts", "/page/toString"]) {
      expect((await fetch(`${http}${path}`)).status).toBe(404);
    }
  });
});

describe("the ready-made app, sharded", () => {
  test("answers how many workers dropped a message because their queues were full", async () => {
    const { broadcaster, post } = start({ numShards: 1 });
    const publish = spyOn(broadcaster, "publish");
    publish.mockReturnValueOnce({ subscribers: 0, shards: 0, dropped: 3, saturated: 0 });
    expect(await (await post("/publish/a", "x")).json()).toEqual({
      subscribers: 0,
      shards: 0,
      dropped: 3,
      saturated: 0,
    });
  });

  test("refuses a client whose shard is full with 503 and Retry-After", async () => {
    const { stream } = start({ numShards: 1, maxClients: 1 });
    await connect(`${stream}?channels=a`);
    const { status, headers } = await refused(`${stream}?channels=a`);
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  });

  test("places a client by the id that it gives", async () => {
    const { broadcaster, stream } = start({ numShards: 2 });
    // fnv1a32("a") is 0xe40c292c and fnv1a32("b") is 0xe70c2de5: an even number and an odd one.
    await connect(`${stream}?channels=x&id=a`);
    await connect(`${stream}?channels=x&id=b`);
    const settled = async () => {
      await until(() => broadcaster.stats().total_clients === 2);
    };
    await within(settled(), "both clients");
    const { shard_0, shard_1 } = broadcaster.stats();
    expect([shard_0?.clients, shard_1?.clients]).toEqual([1, 1]);
  });

  test.each([
    ["a malformed head", "GET\r\n\r\n", "400"],
    [
      "a head over the limit",
      `GET / HTTP/1.1\r\nHost: localhost\r\nA: ${"a".repeat(40_000)}\r\n\r\n`,
      "431",
    ],
    [
      "another WebSocket version",
      "GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "426",
    ],
  ])("answers %s", async (_what, head, status) => {
    const { port } = start({});
    expect(await answerTo(port, head)).toStartWith(`HTTP/1.1 ${status}`);
  });

  test("ends a head that trickles in", async () => {
    const { port } = start({ headTimeoutMs: 50 });
    expect(await answerTo(port, "GET / HTTP/1.1\r\nHost")).not.toContain("200");
  });
});

/** All that a server answers to these bytes, until it closes or has sent a whole head. */
function answerTo(port: number, bytes: string): Promise<string> {
  const answer = new Promise<string>((resolve, reject) => {
    let text = "";
    const socket = connectTcp(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\r\n\r\n")) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
  return within(answer, "an answer");
}

test.each(both)("no client may send the ready-made server much, %s", async (_name, config) => {
  const { stream, live } = start(config);
  for (const url of [`${stream}?channels=a`, live]) {
    const client = await connect(url);
    client.send("x".repeat(4097));
    expect((await within(client.closed, "the close")).code).toBe(1009);
  }
});
