/** Who may use what of the ready-made server, by the head of a request. */

import { describe, expect, onTestFinished, test } from "bun:test";
import { connect as connectTcp } from "node:net";
import { resolveConfig } from "../../src/config/config";
import type { AccessOptions } from "../../src/server/api/access";
import { createApp } from "../../src/server/app";
import { connect, refused, within } from "../helpers/client";
import { SMALL } from "../helpers/serving";

const EVERY_PATH = [
  "/",
  "/page/main.js",
  "/healthz",
  "/readyz",
  "/stats",
  "/metrics",
  "/slow-clients",
  "/channels",
  "/departures",
  "/reconciliation",
  "/openapi",
  "/nowhere",
];

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const)("the ready-made app, %s,", (_name, config) => {
  function start(options: AccessOptions = {}) {
    const resolved = resolveConfig({ ...SMALL, maxPayloadLength: 1000, ...config });
    const { app } = createApp({ config: resolved, ...options });
    app.listen({ hostname: "127.0.0.1", port: 0 });
    onTestFinished(() => app.stop(true).then(() => undefined));
    const address = `127.0.0.1:${app.server?.port}`;
    const ask = (path: string, headers: Record<string, string>, method = "GET") =>
      fetch(`http://${address}${path}`, {
        method,
        headers,
        ...(method === "POST" && { body: "x" }),
      });
    return { ask, ws: `ws://${address}`, port: Number(app.server?.port) };
  }

  describe("without an API key", () => {
    test("answers for no host that others could own, whatever the path", async () => {
      const { ask, ws, port } = start();
      for (const name of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]) {
        const headers = { host: `${name}:${port}`, origin: `http://${name}:${port}` };
        for (const path of EVERY_PATH) {
          expect([path, (await ask(path, headers)).status]).toEqual([path, 421]);
        }
        expect((await ask("/publish/a", headers, "POST")).status).toBe(421);
        expect((await ask("/publish/a", headers, "OPTIONS")).status).toBe(421);
        for (const path of ["/live", "/stream?channels=a"]) {
          const { status, body } = await refused(`${ws}${path}`, { headers });
          expect(status).toBe(421);
          const { error } = JSON.parse(body);
          expect(error.code).toBe("HOST_NOT_ALLOWED");
          expect(error.message).toContain(`"${name}:${port}": start it with --allowed-host`);
        }
      }
    });

    test("answers for IP addresses, localhost and what is below it", async () => {
      const { ask, ws, port } = start();
      for (const name of [
        "127.0.0.1",
        "[::1]",
        "10.1.2.3",
        "localhost",
        "LocalHost",
        "a.localhost",
      ]) {
        const headers = { host: `${name}:${port}`, origin: `http://${name}:${port}` };
        expect([name, (await ask("/stats", headers)).status]).toEqual([name, 200]);
        await connect(`${ws}/live`, { headers });
      }
    });

    test("answers for the hosts that are allowed, one label of which may be any", async () => {
      const { ask, ws } = start({ allowedHosts: ["Watch.example", "*.watch.example"] });
      for (const [host, status] of [
        ["watch.example", 200],
        ["watch.example.", 200],
        ["a.watch.example:443", 200],
        ["a.b.watch.example", 421],
        [".watch.example", 421],
        ["watch.example.evil", 421],
        ["watchxexample", 421],
        ["watch.example.evil.example", 421],
      ] as const) {
        expect([host, (await ask("/stats", { host })).status]).toEqual([host, status]);
      }
      // As a proxy that ends TLS and passes the host on has it.
      const proxied = { origin: "https://watch.example", host: "watch.example:443" };
      await connect(`${ws}/live`, { headers: proxied });
    });

    test("answers clients that name no host, which browsers always do", async () => {
      const { port } = start();
      const answer = await within(
        new Promise<string>((resolve) => {
          const socket = connectTcp(port, "127.0.0.1", () => {
            socket.end("GET /healthz HTTP/1.0\r\n\r\n");
          });
          socket.once("data", (data) => resolve(String(data)));
        }),
        "an answer",
      );
      expect(answer).toMatch(/^HTTP\/1\.[01] 200 /);
    });

    test("lets pages of allowed origins publish and watch", async () => {
      const allowedOrigins = ["https://app.example", "https://*.app.example:8443"];
      const { ask, ws } = start({ allowedOrigins });
      for (const [origin, status] of [
        ["https://app.example", 200],
        ["https://a.app.example:8443", 200],
        ["http://app.example", 403],
        ["https://a.app.example", 403],
        ["https://a.b.app.example:8443", 403],
        ["https://app.example.evil", 403],
        ["null", 403],
      ] as const) {
        expect([origin, (await ask("/publish/a", { origin }, "POST")).status]).toEqual([
          origin,
          status,
        ]);
        if (status === 200) await connect(`${ws}/live`, { headers: { origin } });
        else expect((await refused(`${ws}/live`, { headers: { origin } })).status).toBe(403);
      }
    });
  });

  describe("with an API key", () => {
    const apiKey = "secret";
    const authorization = `Bearer ${apiKey}`;

    test("answers for every host, unless some are named", async () => {
      const host = "anything.example";
      const { ask } = start({ apiKey });
      expect((await ask("/stats", { host, authorization })).status).toBe(200);
      const strict = start({ apiKey, allowedHosts: ["watch.example"] });
      expect((await strict.ask("/stats", { host, authorization })).status).toBe(421);
    });

    test("looks at the key before it reads a body, or waits for one", async () => {
      const { port } = start({ apiKey });
      const answer = await within(
        new Promise<string>((resolve) => {
          const socket = connectTcp(port, "127.0.0.1", () => {
            socket.write(
              "POST /publish/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\nonly the beginning",
            );
          });
          socket.once("data", (data) => {
            resolve(String(data));
            socket.destroy();
          });
        }),
        "an answer to a body that never ends",
      );
      expect(answer).toStartWith("HTTP/1.1 401 ");
    });

    test("shows its answers to pages of allowed origins, errors too", async () => {
      const origin = "https://app.example";
      const { ask } = start({ apiKey, allowedOrigins: [origin] });
      for (const [path, method, headers, status] of [
        ["/publish/a", "POST", { authorization }, 200],
        ["/publish/a", "POST", {}, 401],
        ["/publish/a%20b", "POST", { authorization }, 400],
        ["/stats", "GET", { authorization }, 200],
        ["/nowhere", "GET", {}, 404],
      ] as const) {
        const answer = await ask(path, { ...headers, origin }, method);
        expect([path, answer.status]).toEqual([path, status]);
        expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
        expect(answer.headers.get("vary")).toBe("Origin");
      }
    });

    test("answers their preflights, and lets the key through", async () => {
      const { ask } = start({ apiKey, allowedOrigins: ["https://*.app.example"] });
      const asked = {
        origin: "https://a.app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      };
      const answer = await ask("/publish/a", asked, "OPTIONS");
      expect(answer.status).toBe(204);
      const named = (header: string) => answer.headers.get(`access-control-allow-${header}`);
      expect(named("origin")).toBe("https://a.app.example");
      expect(named("methods")).toContain("POST");
      expect(named("headers")).toContain("authorization");
      expect(named("credentials")).toBeNull();
    });

    test("shows nothing to pages of any other origin", async () => {
      const origin = "https://evil.example";
      for (const allowedOrigins of [[], ["https://app.example"]]) {
        const { ask } = start({ apiKey, allowedOrigins });
        for (const [path, method] of [
          ["/publish/a", "OPTIONS"],
          ["/publish/a", "POST"],
          ["/stats", "GET"],
        ] as const) {
          const answer = await ask(path, { origin, authorization }, method);
          expect(answer.headers.get("access-control-allow-origin")).toBeNull();
        }
      }
    });
  });
});
