/** Every example, run as a user runs it. */

import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect as reconnecting, waitAfterMs } from "../examples/browser/client.js";
import { findPromtool } from "../scripts/tools/promtool";
import { METRICS } from "../src/stats/metric-table";
import { connect, refused } from "./helpers/client";
import { visit, whyNoBrowser, withoutBrowser } from "./server/page/browser";

const EXAMPLES = join(import.meta.dir, "../examples");
const TIMEOUT_MS = 30_000;

const promtool = await findPromtool(join(import.meta.dir, ".."));
const withoutPromtool = promtool === undefined && !process.env.CI;
const whyNoPromtool = withoutPromtool ? " (skipped: no promtool)" : "";

/** Runs an example on a free port until the test ends. */
async function run(name: string): Promise<{ http: string; ws: string }> {
  const child = Bun.spawn([process.execPath, join(EXAMPLES, name)], {
    env: { ...process.env, PORT: "0" },
    stdout: "pipe",
    stderr: "inherit",
  });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    const port = /listening on http:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
    if (port) return { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}` };
  }
  throw new Error(`${name} ended: ${said}`);
}

/** A server that closes each client at once, with the next of the codes, until the test ends. */
function serverThatClosesWith(codes: readonly number[]): string {
  let connections = 0;
  const server = Bun.serve({
    port: 0,
    fetch(request, server) {
      server.upgrade(request);
    },
    websocket: {
      open(ws) {
        const code = codes[connections++];
        if (code === 1006) ws.terminate();
        else ws.close(code);
      },
      message() {},
    },
  });
  onTestFinished(() => server.stop(true));
  return `ws://127.0.0.1:${server.port}`;
}

describe("the example", () => {
  test("drop-in is a chat room", async () => {
    const { ws } = await run("drop-in.ts");
    const ada = await connect(`${ws}/room/blue?name=ada`);
    expect(await ada.next()).toBe("ada has joined");
    const bob = await connect(`${ws}/room/blue?name=bob`);
    expect(await ada.next()).toBe("bob has joined");
    expect(await bob.next()).toBe("bob has joined");
    bob.send("hello");
    expect(await ada.next()).toBe("bob: hello");
    await bob.close();
    expect(await ada.next()).toBe("bob has left");
    expect((await refused(`${ws}/room/blue`)).status).toBe(422);
  });

  test("async-iterables streams what they yield", async () => {
    const { http, ws } = await run("async-iterables.ts");
    const client = await connect(`${ws}/temperature`);
    expect(JSON.parse(String(await client.next()))).toEqual({
      celsius: expect.any(Number),
      at: expect.any(Number),
    });
    expect(String(await (await connect(`${ws}/clock`)).next())).toMatch(/^\d{4}-.*Z$/);
    expect((await (await fetch(`${http}/stats`)).json()) as object).toHaveProperty("shard_0");
  });

  test("auth lets in whom it knows, and each hears what is meant for them", async () => {
    const { http, ws } = await run("auth.ts");
    expect((await refused(`${ws}/stream`)).status).toBe(401);
    const authorization = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const ada = await connect(`${ws}/stream`, authorization("token-of-ada"));
    const bob = await connect(`${ws}/stream`, { headers: { cookie: "token=token-of-bob" } });
    expect([await ada.next(), await bob.next()]).toEqual(["welcome, ada", "welcome, bob"]);
    const announce = (channel: string, token: string) =>
      fetch(`${http}/announce/${channel}`, {
        ...authorization(token),
        method: "POST",
        body: `to ${channel}`,
      });
    expect((await announce("staff", "token-of-bob")).status).toBe(403);
    expect((await announce("staff", "token-of-ada")).status).toBe(200);
    expect((await announce("public", "token-of-bob")).status).toBe(200);
    expect(await ada.take(2)).toEqual(["to staff", "to public"]);
    expect(await bob.next()).toBe("to public");
  });

  test.skipIf(withoutBrowser)(
    `browser shows what comes${whyNoBrowser}`,
    async () => {
      const { http } = await run("browser.ts");
      const { page } = await visit(http);
      await page.locator("#message").filter({ hasText: /Z$/ }).waitFor();
      expect(await page.locator("#state").textContent()).toBe("open");
    },
    TIMEOUT_MS,
  );

  test("browser's client waits twice as long each time, up to half a minute, less a random part", () => {
    const longest = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    for (const [failures, mostMs] of [...longest.entries(), [1000, 30_000] as const]) {
      const waits = Array.from({ length: 200 }, () => waitAfterMs(failures));
      expect(Math.max(...waits)).toBeLessThanOrEqual(mostMs);
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(mostMs / 2);
      // By chance alone, 200 waits all lie in one half of the range once in 10^59 runs.
      expect(Math.max(...waits)).toBeGreaterThan(mostMs * 0.75);
      expect(Math.min(...waits)).toBeLessThan(mostMs * 0.75);
    }
  });

  test(
    "browser's client comes back after each end but those of no use",
    async () => {
      const url = serverThatClosesWith([1001, 1013, 1006, 4401]);
      const states: string[] = [];
      const waitedMs: number[] = [];
      let closedAt = 0;
      await new Promise<void>((resolve) => {
        reconnecting(url, {
          onMessage() {},
          onState(state: string) {
            states.push(state.replace(/\d+\.\d s$/, "… s"));
            if (state === "connecting" && closedAt > 0) waitedMs.push(Date.now() - closedAt);
            if (state.startsWith("closed with")) closedAt = Date.now();
            if (state === "closed") resolve();
          },
        });
      });
      expect(states.filter((state) => state.startsWith("closed"))).toEqual([
        "closed with 1001, back in … s",
        "closed with 1013, back in … s",
        "closed with 1006, back in … s",
        "closed",
      ]);
      // A clock of whole milliseconds may take one off.
      expect(waitedMs.map((ms, n) => ms >= 250 * 2 ** n - 1)).toEqual([true, true, true]);
    },
    TIMEOUT_MS,
  );

  test("prometheus is scraped, and its dashboard and alerts name metrics that there are", async () => {
    const { http, ws } = await run("prometheus/server.ts");
    await (await connect(`${ws}/stream`)).next();
    const metrics = await (await fetch(`${http}/metrics`)).text();
    expect(metrics).toContain("shardcast_delivery_seconds_bucket");
    const known = new Set(METRICS.map(({ name }) => name));
    for (const file of ["grafana-dashboard.json", "alerts.yml"]) {
      const text = await Bun.file(join(EXAMPLES, "prometheus", file)).text();
      const named = new Set(text.match(/shardcast_[a-z_]+/g));
      named.delete("shardcast_delivery_seconds_bucket");
      expect([...named].filter((name) => !known.has(name))).toEqual([]);
      expect(named.size).toBeGreaterThan(3);
    }
    const { panels } = await Bun.file(join(EXAMPLES, "prometheus/grafana-dashboard.json")).json();
    expect(panels).toHaveLength(18);
  });

  test.skipIf(withoutPromtool)(
    `prometheus has a configuration and rules that promtool accepts${whyNoPromtool}`,
    () => {
      // With the configuration, the rules that it names are checked.
      const configuration = join(EXAMPLES, "prometheus/prometheus.yml");
      const check = Bun.spawnSync([String(promtool), "check", "config", configuration]);
      expect([check.stderr.toString(), check.exitCode]).toEqual(["", 0]);
      expect(check.stdout.toString()).toMatch(/SUCCESS: \d+ rules found/);
    },
  );

  test("prometheus has an alert for each metric that operators are told to watch", async () => {
    const guide = await Bun.file(join(EXAMPLES, "../docs/operations.md")).text();
    const rows = guide.split("\n").filter((line) => line.startsWith("| `shardcast_"));
    const watched = rows.flatMap((row) => row.split(" | ")[0]?.match(/shardcast_[a-z_]+/g) ?? []);
    const alerts = await Bun.file(join(EXAMPLES, "prometheus/alerts.yml")).text();
    const alerted = new Set(alerts.match(/shardcast_[a-z_]+/g));
    expect(watched.length).toBeGreaterThan(8);
    expect(watched.filter((name) => !alerted.has(name) && !alerted.has(`${name}_bucket`))).toEqual(
      [],
    );
  });
});
