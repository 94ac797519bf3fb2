/** Bun's development server behind an app, whose pages have sockets of their own. */

import { expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect, refused } from "../../helpers/client";
import { linesOf } from "../../helpers/hot-app";
import { SMALL } from "../../helpers/serving";

const APP = join(import.meta.dir, "../../fixtures/dev-server/app.ts");

/** Starts the app; returns its port. */
async function start(config: object | undefined, env: string): Promise<string> {
  const command = [process.execPath, APP, ...(config ? [JSON.stringify(config)] : [])];
  const options = { env: { ...process.env, NODE_ENV: env }, stderr: "inherit" } as const;
  const child = Bun.spawn(command, options);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  for await (const line of linesOf(child.stdout)) if (/^\d+$/.test(line)) return line;
  throw new Error("it did not listen");
}

/** What a browser sees of the page, and what its socket is told first. */
async function developing(config: object | undefined): Promise<unknown[]> {
  const port = await start(config, "development");
  const html = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  const socket = await connect(`ws://127.0.0.1:${port}/_bun/hmr`);
  const version = await socket.next();
  await socket.close();
  const own = await connect(`ws://127.0.0.1:${port}/ws`);
  return [html.includes("/_bun/client/"), version, await own.next()];
}

test("the sockets of its pages reach Bun, and the app's the app", async () => {
  const configs = [undefined, { ...SMALL, useSharding: false }, SMALL];
  const [builtIn, onBun, sharded] = await Promise.all(configs.map(developing));
  expect(builtIn).toEqual([true, expect.anything(), "of the app"]);
  expect(sharded).toEqual(builtIn);
  expect(onBun).toEqual(builtIn);
});

test("in production there are none", async () => {
  for (const config of [undefined, SMALL]) {
    const port = await start(config, "production");
    expect((await refused(`ws://127.0.0.1:${port}/_bun/hmr`)).status).toBe(404);
  }
});
