/** Every error of the ready-made app is told in one shape, with the status that fits. */

import { describe, expect, onTestFinished, spyOn, test } from "bun:test";
import { resolveConfig } from "../../src/config/config";
import { type AppOptions, createApp } from "../../src/server/app";
import { SMALL } from "../helpers/serving";
import { logged, spyLogger } from "../helpers/spy-logger";

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const)("the ready-made app, %s,", (_name, config) => {
  function start(options: Partial<AppOptions> = {}) {
    const logger = spyLogger();
    const resolved = resolveConfig({ ...SMALL, logger, ...config });
    const { app, broadcaster } = createApp({ config: resolved, ...options });
    app.listen({ hostname: "127.0.0.1", port: 0 });
    onTestFinished(() => app.stop(true).then(() => undefined));
    const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${app.server?.port}${path}`, { method, headers });
    return { ask, broadcaster, logger };
  }

  test.each([
    ["GET", "/nowhere", 404, "NOT_FOUND"],
    ["GET", "/page/nothing.js", 404, "NOT_FOUND"],
    ["GET", "/%ff", 404, "NOT_FOUND"],
    ["GET", "/publish/x", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/stats", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/stream", 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/stream?channels=ticks", 426, "UPGRADE_REQUIRED"],
    ["GET", "/live", 426, "UPGRADE_REQUIRED"],
    ["POST", "/publish/a%20b", 400, "INVALID_CHANNEL"],
    ["POST", "/publish/%ff", 400, "INVALID_CHANNEL"],
    ["GET", "/slow-clients?top=x", 400, "INVALID_QUERY"],
    ["GET", "/channels?top=x", 400, "INVALID_QUERY"],
    ["POST", "/departures", 405, "METHOD_NOT_ALLOWED"],
  ])("answers %s %s with %p and %s", async (method, path, status, code) => {
    const answer = await start().ask(method, path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toStartWith("application/json");
    expect(await answer.json()).toEqual({ error: { code, message: expect.any(String) } });
  });

  test.each([
    ["GET", "/publish/x", "POST"],
    ["PUT", "/publish/a/b", "POST"],
    ["DELETE", "/stats", "GET, HEAD"],
    ["OPTIONS", "/healthz", "GET, HEAD"],
    ["POST", "/live", "GET"],
  ])("says at %s %s which methods there are: %s", async (method, path, allow) => {
    const { ask } = start();
    expect((await ask(method, path)).headers.get("allow")).toBe(allow);
    for (const one of allow.split(", ")) expect((await ask(one, path)).status).not.toBe(405);
  });

  test("tells who opens a WebSocket's address as a page what it is, and how to listen", async () => {
    const answer = await start().ask("GET", "/stream?channels=ticks");
    const { error } = (await answer.json()) as { error: { message: string } };
    expect(error.message).toMatch(/connect to ws:\/\/127\.0\.0\.1:\d+\/stream, with Upgrade: web/);
    expect(answer.headers.get("upgrade")).toBe("websocket");
  });

  test("knows no other methods where other origins are allowed, whose preflights it answers", async () => {
    const { ask } = start({ allowedOrigins: ["https://app.example"] });
    expect((await ask("GET", "/nowhere")).status).toBe(404);
    expect((await ask("POST", "/stats")).headers.get("allow")).toBe("GET, HEAD");
  });

  test("logs what fails within, and tells the client nothing of it", async () => {
    const { ask, broadcaster, logger } = start();
    spyOn(broadcaster, "publish").mockImplementationOnce(() => {
      throw new Error("a detail");
    });
    const answer = await ask("POST", "/publish/a");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("a detail");
    const [line] = logged(logger, "error");
    expect(String(line?.fields.err)).toContain("a detail");
  });
});
