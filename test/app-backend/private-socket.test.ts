import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Elysia } from "elysia";

import { socketFile } from "../../src/app-backend/private-socket";
import { serve } from "../helpers/serving";

/** Abstract names that servers of this machine listen at, each with the NUL that Bun wants. */
function abstractNames(): string[] {
  const sockets = readFileSync("/proc/net/unix", "utf8");
  return [...sockets.matchAll(/@(shardcast-\w+)$/gm)].map(([, name]) => `\0${name}`);
}

/** Does something with another directory for temporary files, which is then removed. */
async function withTmpdir<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  const before = process.env.TMPDIR;
  process.env.TMPDIR = path;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(path, { recursive: true, force: true });
  }
}

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "shardcast-test-"));
}

describe.skipIf(process.platform !== "linux")("an app on shards", () => {
  test("needs no temporary files", async () => {
    const missing = `/nonexistent/${"long/".repeat(40)}`;
    const { http } = await withTmpdir(missing, () => serve({}, (app) => app.get("/", "here")));
    expect(await (await fetch(http)).text()).toBe("here");
  });

  test("leaves no files when it is killed", async () => {
    const directory = newDirectory();
    await withTmpdir(directory, async () => {
      const fixture = join(import.meta.dir, "../fixtures/exiting.ts");
      const command = [process.execPath, fixture, '{"numShards":1,"workersPerShard":1}'];
      const child = Bun.spawn(command, { env: process.env, stdout: "pipe" });
      await child.stdout.getReader().read();
      child.kill("SIGKILL");
      await child.exited;
      expect(readdirSync(directory)).toEqual([]);
    });
  });

  test("answers no request that does not come through the door", async () => {
    const before = new Set(abstractNames());
    let calls = 0;
    const count = () => String(++calls);
    const { http } = serve({}, (app) => app.get("/counted", count).get("/:other", count));
    const unix = abstractNames().filter((name) => !before.has(name));
    const asks = unix.flatMap((name) =>
      [{}, { "x-shardcast-peer": "6.6.6.6 666" }, { "x-shardcast-peer": "a 6.6.6.6 666" }].map(
        async (headers) =>
          (await fetch("http://localhost/counted", { unix: name, headers })).status,
      ),
    );
    expect(new Set(await Promise.all(asks))).toEqual(new Set([403]));
    expect(await (await fetch(`${http}/counted`)).text()).toBe("1");
  });

  test("keeps the secret from the app while its plugins load, too", async () => {
    const loaded = Promise.withResolvers<Elysia>();
    const { app, http } = serve({}, (app) =>
      app.get("/:any", ({ request }) => Object.fromEntries(request.headers)).use(loaded.promise),
    );
    const names = async () =>
      Object.keys((await (await fetch(`${http}/headers`)).json()) as object);
    const early = await names();
    loaded.resolve(new Elysia());
    await app.modules;
    expect(early.filter((name) => name.includes("shardcast"))).toEqual([]);
    expect((await names()).filter((name) => name.includes("shardcast"))).toEqual([]);
  });

  test("still answers its own server's fetch", async () => {
    const { app } = serve({}, (app) => app.get("/", "from within"));
    expect(await (await app.server?.fetch("/"))?.text()).toBe("from within");
  });
});

describe("a socket file", () => {
  test("is in a directory of the user's alone, and leaves nothing", async () => {
    const directory = newDirectory();
    await withTmpdir(directory, () => {
      const { remove } = socketFile();
      const [name = ""] = readdirSync(directory);
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o700);
      remove();
      expect(readdirSync(directory)).toEqual([]);
    });
  });

  test("comes with a cleaning up behind processes that were killed", async () => {
    const directory = newDirectory();
    await withTmpdir(directory, async () => {
      const dead = Bun.spawn(["true"]);
      await dead.exited;
      const [stale, other, alive] = [dead.pid, "x", process.ppid].map((pid) =>
        join(directory, `shardcast-socket-${pid}-abc`),
      ) as [string, string, string];
      for (const path of [stale, other, alive]) mkdirSync(path);
      socketFile().remove();
      expect([stale, other, alive].map((path) => existsSync(path))).toEqual([false, true, true]);
    });
  });

  test("says so when its path would be too long", async () => {
    const directory = join(newDirectory(), "x".repeat(100));
    mkdirSync(directory);
    await withTmpdir(directory, () => {
      expect(socketFile).toThrow(expect.objectContaining({ code: "LISTEN_FAILED" }));
      expect(readdirSync(directory)).toEqual([]);
    });
  });
});
