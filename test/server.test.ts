import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect, within } from "./client";

const SERVER = join(import.meta.dir, "../src/server.ts");

/** Runs the server in a process of its own, and resolves once it listens. */
async function run(...flags: string[]) {
  const child = Bun.spawn([process.execPath, SERVER, "--port", "0", ...flags], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, SHARDCAST_NUM_SHARDS: "2", SHARDCAST_WORKERS_PER_SHARD: "1" },
  });
  onTestFinished(() => child.kill("SIGKILL"));
  const url = await within(listeningUrl(child.stdout), "the server to listen");
  return { child, url, stream: `${url.replace("http", "ws")}stream` };
}

async function listeningUrl(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stdout) {
    text += new TextDecoder().decode(chunk);
    const [, url] = /listens on (\S+)/.exec(text) ?? [];
    if (url) return url;
  }
  throw new Error(`the server ended: ${text}`);
}

const both = [
  ["sharded", []],
  ["original", ["--no-sharding"]],
] as const;

describe.each(both)("the server's process, %s", (_name, flags) => {
  test.each(["SIGTERM", "SIGINT"] as const)("ends in order on %s", async (signal) => {
    const { child, stream } = await run(...flags, "--drain-spread-ms", "20");
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connect(`${stream}?channels=flights`)),
    );
    child.kill(signal);
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await within(child.exited, "the end")).toBe(0);
  });

  test("takes the two signals of one Ctrl-C for one", async () => {
    const { child, stream } = await run(...flags);
    const client = await connect(`${stream}?channels=flights`);
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await within(child.exited, "the end")).toBe(0);
  });

  test("ends at once on a second signal", async () => {
    const { child, stream } = await run(...flags, "--drain-spread-ms", "60000");
    // The first client is closed at once: it takes several, on every shard, for a spread to last.
    const urls = Array.from({ length: 8 }, (_, n) => `${stream}?channels=flights&id=client-${n}`);
    const clients = await Promise.all(urls.map((url) => connect(url)));
    child.kill("SIGTERM");
    // One that comes too soon after the first counts as the same.
    const insist = setInterval(() => child.kill("SIGTERM"), 50);
    expect(await within(child.exited, "the end")).toBe(1);
    clearInterval(insist);
    for (const client of clients) client.terminate();
  });

  test("publishes the lines of its input, all and in order", async () => {
    const { child, stream } = await run(...flags, "--source", "stdin:channel=lines");
    const client = await connect(`${stream}?channels=lines`);
    const lines = Array.from({ length: 50 }, (_, n) => `line ${n}`);
    child.stdin.write(lines.join("\n"));
    child.stdin.end();
    expect(await client.take(50)).toEqual(lines);
  });

  test("shows real messages when it is given no source", async () => {
    const { stream } = await run(...flags);
    const client = await connect(`${stream}?channels=flights`);
    expect(JSON.parse(String(await client.next()))).toHaveProperty("origin");
  });

  test("says that its port is taken", async () => {
    const { url } = await run(...flags);
    const second = Bun.spawnSync([process.execPath, SERVER, "--port", new URL(url).port, ...flags]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr.toString()).toMatch(/port/i);
  });
});

test("a bad flag is named, with exit code 2", () => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, SERVER, "--num-shards", "0"]);
  expect(exitCode).toBe(2);
  expect(stderr.toString()).toContain("--num-shards must be");
});
