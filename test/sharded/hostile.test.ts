import { describe, expect, test } from "bun:test";
import { connect as dial, type Socket } from "node:net";

import { connect, type TestClient, until, within } from "../helpers/client";
import { type Serving, serve } from "../helpers/serving";

const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const UPGRADE = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n${KEY}\r\n`;

/** The head of an upgrade with this target and these bytes, one a character, for a host. */
function upgrade(target = "/", host = "localhost"): Buffer {
  return Buffer.from(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${UPGRADE}`, "latin1");
}

/** Masked frames, with a key of zeros. */
function frame(first: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  return Buffer.concat([Buffer.from([first, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

/** A connection that speaks for itself. */
function open({ http }: Serving): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = dial(Number(new URL(http).port), "127.0.0.1", () => resolve(socket));
  socket.on("error", reject);
  return within(promise, "a connection");
}

/** What the server says first. */
async function answer(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("data", (data) => resolve(data.toString("latin1")));
  socket.once("close", () => resolve(""));
  return within(promise, "an answer");
}

/** An app whose clients hear "ticks", and who came and went there. */
function serveTicks(mayEnter?: () => Promise<unknown>) {
  const heard = { opened: 0, closed: [] as number[], messages: 0 };
  const serving = serve({ maxPayloadLength: 1000, perMessageDeflate: true }, (app) =>
    app.ws("/", {
      async beforeHandle({ headers }) {
        if (headers["x-control"] === undefined) await mayEnter?.();
      },
      open(ws) {
        heard.opened += 1;
        ws.subscribe("ticks");
      },
      message() {
        heard.messages += 1;
      },
      close(_ws, code) {
        heard.closed.push(code);
      },
    }),
  );
  return { serving, heard };
}

function control({ ws }: Serving): Promise<TestClient> {
  return connect(ws, { headers: { "x-control": "1" } });
}

/** The control client gets the next messages, in order. */
async function serves({ broadcaster }: Serving, client: TestClient, rounds = 20): Promise<void> {
  for (let number = 0; number < rounds; number += 1) {
    broadcaster.publish("ticks", `message ${number}`);
    expect(await client.next()).toBe(`message ${number}`);
  }
}

describe("a server under attack serves the others", () => {
  test("while a thousand connect and reset", async () => {
    const { serving, heard } = serveTicks();
    const client = await control(serving);
    const whole = upgrade();
    for (let round = 0; round < 50; round += 1) {
      const sockets = await Promise.all(Array.from({ length: 20 }, () => open(serving)));
      for (const [number, socket] of sockets.entries()) {
        socket.on("error", () => {});
        socket.write(whole.subarray(0, (number * 31) % (2 * whole.length)));
        socket.resetAndDestroy();
      }
      await serves(serving, client, 5);
    }
    await until(() => heard.opened === heard.closed.length + 1, "the close of all that opened");
    expect(serving.app.server?.subscriberCount("ticks")).toBe(1);
  });

  test("when clients go before the app has decided", async () => {
    const decision = Promise.withResolvers<void>();
    let undecided = 0;
    const { serving, heard } = serveTicks(() => {
      undecided += 1;
      return decision.promise;
    });
    const client = await control(serving);
    const sockets = await Promise.all(Array.from({ length: 100 }, () => open(serving)));
    for (const socket of sockets) socket.on("error", () => {}).write(upgrade());
    await until(() => undecided === sockets.length, "all upgrades");
    for (const socket of sockets) socket.resetAndDestroy();
    decision.resolve();
    await serves(serving, client);
    await until(() => heard.opened === heard.closed.length + 1, "the close of all that opened");
    expect(serving.app.server?.subscriberCount("ticks")).toBe(1);
    expect(serving.broadcaster.stats().total_clients).toBe(1);
  });

  test.each([
    ["a host with a space", upgrade("/", "a b")],
    ["a host with a path", upgrade("/", "a/b")],
    ["a host that is not closed", upgrade("/", "[::1")],
    ["a host with a user", upgrade("/", "me@a")],
    ["a port out of range", upgrade("/", "a:99999")],
    ["no host", upgrade("/", "")],
    ["a control character in the path", upgrade("/\x01")],
    ["a target that is no path", upgrade("*")],
    [
      "two keys",
      Buffer.from(
        upgrade()
          .toString()
          .replace(KEY, KEY + KEY),
      ),
    ],
  ])("that asks for an upgrade with %s", async (_what, head) => {
    const { serving, heard } = serveTicks();
    const client = await control(serving);
    const socket = await open(serving);
    socket.write(head);
    expect(await answer(socket)).toStartWith("HTTP/1.1 400 ");
    socket.destroy();
    expect(heard.opened).toBe(1);
    await serves(serving, client);
  });

  test.each([
    ["is not masked", Buffer.from([0x81, 1, 0x61]), 1002],
    ["has reserved bits", frame(0xf1, "a"), 1002],
    ["is no UTF-8", frame(0x81, Buffer.from([0xff])), 1007],
    ["is too big", Buffer.from([0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ])("from a frame that %s", async (_what, garbage, code) => {
    const { serving, heard } = serveTicks();
    const client = await control(serving);
    const socket = await open(serving);
    socket.write(upgrade());
    expect(await answer(socket)).toStartWith("HTTP/1.1 101 ");
    socket.write(Buffer.concat([frame(0x81, "before"), garbage, frame(0x81, "after")]));
    await until(() => heard.closed.length === 1, "the close");
    expect(heard.closed).toEqual([code]);
    expect(heard.messages).toBe(1);
    socket.destroy();
    await serves(serving, client);
  });

  test("from floods of pings, empty fragments and close frames", async () => {
    const { serving, heard } = serveTicks();
    const client = await control(serving);
    const floods = [
      Buffer.concat(Array(5000).fill(frame(0x89, "?"))),
      Buffer.concat([frame(0x01, "a"), ...Array(5000).fill(frame(0x00, "")), frame(0x80, "z")]),
      Buffer.concat(Array(5000).fill(frame(0x88, Buffer.from([0x03, 0xe8])))),
    ];
    for (const flood of floods) {
      const socket = await open(serving);
      // Nothing is read but the answer: pongs are left to wait.
      socket.on("error", () => {}).write(upgrade());
      expect(await answer(socket)).toStartWith("HTTP/1.1 101 ");
      socket.pause();
      socket.write(Buffer.concat([flood, frame(0x88, Buffer.from([0x03, 0xe8]))]));
    }
    await serves(serving, client);
    await until(() => heard.closed.length === floods.length, "the close of all");
    expect(heard.closed).toEqual([1000, 1000, 1000]);
    expect(heard.messages).toBe(1);
    await serves(serving, client);
  });
});
