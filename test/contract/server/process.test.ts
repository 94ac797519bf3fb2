/** A process that ends while its server serves. */

import { expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect, within } from "../../helpers/client";
import { linesOf } from "../../helpers/hot-app";
import { SMALL } from "../../helpers/serving";

const FIXTURE = join(import.meta.dir, "../../fixtures/exiting.ts");

/** What clients and the parent of the process see of an end that a handler decides on. */
async function ending(config: object | undefined, by: "http" | "websocket"): Promise<unknown> {
  const command = [process.execPath, FIXTURE, ...(config ? [JSON.stringify(config)] : [])];
  const child = Bun.spawn(command, { stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const { value: port } = await linesOf(child.stdout).next();
  const client = await connect(`ws://127.0.0.1:${port}/`);
  if (by === "websocket") client.send("end");
  else await fetch(`http://127.0.0.1:${port}/`).catch(() => {});
  const { code } = await within(client.closed, "the close");
  return { code, exitCode: await within(child.exited, "the end") };
}

test.each(["http", "websocket"] as const)("process.exit in a handler ends it: %s", async (by) => {
  const configs = [undefined, { ...SMALL, useSharding: false }, SMALL];
  const [builtIn, onBun, sharded] = await Promise.all(configs.map((each) => ending(each, by)));
  expect(builtIn).toMatchObject({ exitCode: 7 });
  expect(sharded).toEqual(builtIn);
  expect(onBun).toEqual(builtIn);
});

/** What clients see of the end of a `Worker` with an app. */
async function termination(config: object | undefined): Promise<unknown> {
  const options = { argv: config ? [JSON.stringify(config)] : [] };
  const worker = new Worker(join(import.meta.dir, "../../fixtures/in-worker.ts"), options);
  const told = () =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  const port = await within(told(), "the start");
  const clients = await Promise.all(
    Array.from({ length: 3 }, () => connect(`ws://127.0.0.1:${port}/`)),
  );
  const request = fetch(`http://127.0.0.1:${port}/`).then(
    ({ status }) => status,
    () => "no answer",
  );
  await within(told(), "the request");
  clients[0]?.send("hi");
  const heard = await clients[0]?.next();
  worker.terminate();
  const ends = await within(Promise.all(clients.map(({ closed }) => closed)), "the closes");
  return { heard, ends, request: await within(request, "the end of the request") };
}

test("a Worker that is terminated closes its clients as with Bun", async () => {
  const configs = [undefined, { ...SMALL, useSharding: false }, SMALL];
  const [builtIn, onBun, sharded] = await Promise.all(configs.map(termination));
  expect(builtIn).toMatchObject({ ends: [{ code: 1001 }, { code: 1001 }, { code: 1001 }] });
  expect(sharded).toEqual(builtIn);
  expect(onBun).toEqual(builtIn);
});
