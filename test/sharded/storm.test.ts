/**
 * The whole product in a storm: a server in a process of its own, an attacker in another, and
 * a client that wants service meanwhile.
 */

import { expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { connect, type TestClient, within } from "../helpers/client";

const ROOT = join(import.meta.dir, "../..");
/**
 * No request waits longer for service, on however busy a machine. It takes some milliseconds
 * without a storm.
 */
const SERVICE_MS = 5000;
/** A message is so long that clients which do not read have soon no room for more. */
const PADDING = "x".repeat(16 * 1024);
/** The storm takes 8 seconds where the machine has time for it. */
const TIMEOUT_MS = 90_000;

/** As many as `test/peers` sends. */
const SLOW = { headsCutOff: 200, framesEchoed: 50, bodiesAnswered: 50 };
const DEAF = 20;
const MIN_CONNECTED = 10_000;

/** Runs a program until the test ends; resolves with what it prints first. */
async function start(...command: string[]) {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const { value } = await child.stdout.getReader().read();
  return new TextDecoder().decode(value);
}

/** Does something over and over until told to stop; resolves with the longest time it took. */
async function slowestOf(act: () => Promise<void>, isOver: () => boolean): Promise<number> {
  let slowest = 0;
  while (!isOver()) {
    const began = performance.now();
    await act();
    slowest = Math.max(slowest, performance.now() - began);
  }
  return slowest;
}

/** A client that says something to all, and hears it in its turn. */
function speaker(client: TestClient) {
  let said = 0;
  return async () => {
    const message = `message ${said} ${PADDING}`;
    said += 1;
    client.send(message);
    expect((await client.next()) === message).toBe(true);
  };
}

test(
  "in a storm of resets and slow clients the others keep their service",
  async () => {
    const listening = await start(
      process.execPath,
      join(import.meta.dir, "../fixtures/storm-server.ts"),
    );
    const url = new URL(/listening on (\S+)/.exec(listening)?.[1] as string);
    const heard = async () => {
      // Each over a connection of its own.
      const answer = await fetch(new URL("/heard", url), { headers: { connection: "close" } });
      return (await answer.json()) as { opened: number; closed: number; slow: number };
    };
    const client = await connect(`ws://${url.host}/ticks`);
    const speak = speaker(client);

    let isOver = false;
    const storm = start(join(ROOT, "target/release/storm"), url.port).finally(() => {
      isOver = true;
    });
    const [said, slowestMessage, slowestAnswer] = await Promise.all([
      storm,
      slowestOf(speak, () => isOver),
      slowestOf(
        async () => void (await heard()),
        () => isOver,
      ),
    ]);
    const { connected, ...served } = JSON.parse(said);
    expect(served).toEqual(SLOW);
    expect(connected).toBeGreaterThan(MIN_CONNECTED);
    expect(slowestMessage).toBeLessThan(SERVICE_MS);
    expect(slowestAnswer).toBeLessThan(SERVICE_MS);

    // Each client has left, or was closed because it took nothing.
    const left = async () => {
      let seen = await heard();
      while (seen.opened > seen.closed + 1) {
        await speak();
        seen = await heard();
      }
      return seen.slow;
    };
    expect(await within(left(), "the end of all others")).toBe(DEAF);
  },
  TIMEOUT_MS,
);
