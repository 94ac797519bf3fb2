import { describe, expect, onTestFinished, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Elysia } from "elysia";
import { HOST, Wire } from "../contract/wire";
import { until } from "../helpers/client";
import { linesOf } from "../helpers/hot-app";
import { serve } from "../helpers/serving";
import { logged, spyLogger } from "../helpers/spy-logger";

/** Little more than a server takes before it has a request. */
const FEW_FILES = 100;

async function text(url: string): Promise<string> {
  return (await fetch(url)).text();
}

describe("a request that the app does not answer", () => {
  const routes = (app: Elysia) =>
    app
      .get("/", "home")
      .get("/too-long", () => {
        return new Response("", { headers: { "x-long": "v".repeat(300_000) } });
      })
      .get("/switch", () => new Response(null, { status: 101 }))
      .get("/broken", () => {
        const body = new ReadableStream({
          async pull(controller) {
            controller.enqueue("half");
            await Bun.sleep(1);
            controller.error(new Error("broken by the test"));
          },
        });
        return new Response(body);
      });

  test.each(["/too-long", "/switch"])(
    "because its answer cannot be passed on (%s) is 502, counted and told",
    async (path) => {
      const logger = spyLogger();
      const { http, broadcaster } = serve({ logger }, routes);
      expect((await fetch(http + path)).status).toBe(502);
      await until(() => broadcaster.stats().requests_unusable === 1);
      const [line] = logged(logger, "warn");
      expect(line?.message).toContain("502: the app's answer cannot be passed on");
      expect(line?.fields.failures).toBe(1);
      expect(await text(http)).toBe("home");
    },
  );

  test("to its end is cut off, counted and told", async () => {
    const logger = spyLogger();
    const { http, broadcaster } = serve({ logger }, routes);
    await fetch(`${http}/broken`)
      .then((answer) => answer.text())
      .catch(() => {});
    await until(() => broadcaster.stats().requests_broken === 1);
    expect(logged(logger, "warn")[0]?.message).toContain("cut off");
  });

  test("because too many are under way is 503, counted and told", async () => {
    const logger = spyLogger();
    const { promise, resolve } = Promise.withResolvers<string>();
    const { http, app, broadcaster } = serve({ logger, maxHttpRequests: 2 }, (app) =>
      app.get("/slow", () => promise),
    );
    const slow = [text(`${http}/slow`), text(`${http}/slow`)];
    await until(() => app.server?.pendingRequests === 2);
    const refused = await fetch(`${http}/slow`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    await until(() => broadcaster.stats().requests_busy === 1);
    expect(logged(logger, "warn")[0]?.message).toContain("maxHttpRequests");
    resolve("at last");
    expect(await Promise.all(slow)).toEqual(["at last", "at last"]);
    expect(await text(`${http}/slow`)).toBe("at last");
  });
});

test("no client gets the answer to what follows another's upload", async () => {
  const ROUNDS = 100;
  const { http, app } = serve({}, (app) =>
    app
      .get("/:n", ({ params: { n } }) => n)
      .post("/echo", async ({ request }) => new Response(await request.text()), { parse: "none" }),
  );
  const upload = async (n: number) => {
    const wire = await Wire.open(Number(app.server?.port));
    const fields = ["Transfer-Encoding: chunked", "Trailer: X-Sum", "Connection: close"];
    const text = `up${n}`.padEnd(6, ".");
    wire.write("POST /echo HTTP/1.1", HOST, ...fields, "", "6", text, "0", "X-Sum: 1", "", "");
    await wire.end();
    expect(wire.received).toStartWith("HTTP/1.1 200");
    expect(wire.received).toEndWith(text);
  };
  const ask = async (n: number) => expect(await text(`${http}/${n}`)).toBe(`${n}`);
  for (let n = 0; n < ROUNDS; n += 1) {
    await Promise.all([upload(n), ask(n), ask(n + ROUNDS), upload(n + ROUNDS)]);
  }
});

test.skipIf(process.platform !== "linux")(
  "uploads that stop leave a process with few files enough of them to accept what it is given",
  async () => {
    const app = join(import.meta.dir, "../fixtures/few-files.ts");
    const command = `ulimit -n ${FEW_FILES}; exec "${process.execPath}" "${app}"`;
    const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
    onTestFinished(async () => {
      child.kill();
      await child.exited;
    });
    const { value } = await linesOf(child.stdout).next();
    const port = Number(value);
    const files = () => readdirSync(`/proc/${child.pid}/fd`).length;
    const before = files();
    const upload = ["OST /upload HTTP/1.1", HOST, "Content-Length: 1000", "", "x"];
    const wires = await Promise.all(Array.from({ length: 45 }, () => Wire.open(port)));
    // The door has accepted every client before it passes the first upload on.
    for (const wire of wires) wire.write("P");
    await until(() => files() >= before + wires.length);
    for (const wire of wires) wire.write(...upload);
    await until(() => wires.some(({ received }) => received.startsWith("HTTP/1.1 503 ")));
    expect(files()).toBeLessThan(FEW_FILES);
    for (const wire of wires) wire.close();
    const served = () => fetch(`http://127.0.0.1:${port}/`).then(({ ok }) => ok);
    while (!(await served()));
  },
);
