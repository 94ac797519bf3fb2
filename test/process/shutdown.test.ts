import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect, within } from "../helpers/client";
import { SMALL } from "../helpers/serving";

const FIXTURE = join(import.meta.dir, "../fixtures/own-app.ts");

/** Starts the app, and connects a client to each of its servers. */
async function start(config: object, ...args: string[]) {
  const command = [process.execPath, FIXTURE, JSON.stringify({ ...SMALL, ...config }), ...args];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const { value } = await child.stdout.getReader().read();
  const ports: number[] = JSON.parse(new TextDecoder().decode(value));
  const clients = await Promise.all(ports.map((port) => connect(`ws://127.0.0.1:${port}/`)));
  return { child, clients };
}

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
])("an app of one's own, %s,", (_name, config) => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("ends in order on %s", async (signal) => {
    const { child, clients } = await start({ ...config, drainSpreadMs: 20 });
    child.kill(signal);
    for (const client of clients) {
      if (signal === "SIGTERM") expect(await client.next()).toBe("last words");
      expect(await client.closed).toMatchObject({ code: 1001 });
    }
    expect(await within(child.exited, "the end")).toBe(0);
  });
});

test("an end that takes too long is cut short", async () => {
  const { child } = await start({}, "50");
  child.kill("SIGTERM");
  expect(await within(child.exited, "the end")).toBe(1);
  expect(await child.stderr.text()).toContain("took too long");
});
