/** The `websocket` options, as Elysia takes them for an app and for a route. */

import { describe } from "bun:test";

import { type Stage, sameOnBoth } from "../both";

/**
 * The code with which the server closes a client that says something too long; 0 if it does not.
 */
async function codeFor(stage: Stage, path: string, bytes: number): Promise<number> {
  const client = await stage.connect(path);
  client.send("x".repeat(bytes));
  client.send("end");
  const message = client.next().then(() => 0);
  const closed = client.closed.then(({ code }) => code);
  return Promise.race([message.catch(() => closed), closed]);
}

describe("a limit is kept as by Bun", () => {
  sameOnBoth("maxPayloadLength of the app", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (ws) => void ws.send("ok") }), {
      websocket: { maxPayloadLength: 50 },
    });
    for (const bytes of [0, 50, 51]) stage.note(bytes, await codeFor(stage, "/", bytes));
  });

  sameOnBoth("a maxPayloadLength of 0, which leaves empty messages and pings", async (stage) => {
    stage.serve((app) => app.ws("/", { message: (ws) => void ws.send("ok") }), {
      websocket: { maxPayloadLength: 0 },
    });
    const client = await stage.connect();
    const ponged = new Promise((resolve) => client.socket.once("pong", resolve));
    client.socket.ping("there?");
    stage.note(await ponged);
    client.send("");
    stage.note(await client.next());
    client.send("x");
    stage.note((await client.closed).code);
  });
});

/** Values for every option that takes a number of bytes or seconds. */
const NUMBERS: unknown[] = [
  0,
  1,
  7,
  960,
  961,
  2 ** 30 + 1,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "5",
  null,
  undefined,
  true,
  5n,
];
const SWITCHES: unknown[] = [true, false, null, undefined, 0, 1, "", "yes", {}];

const VALUES: Record<string, unknown[]> = {
  maxPayloadLength: NUMBERS,
  backpressureLimit: NUMBERS,
  idleTimeout: NUMBERS,
  sendPings: SWITCHES,
  publishToSelf: SWITCHES,
  closeOnBackpressureLimit: SWITCHES,
};

describe("a value is taken or refused as by Bun", () => {
  for (const [option, values] of Object.entries(VALUES)) {
    sameOnBoth(option, async (stage) => {
      for (const value of values) {
        stage.try(`${typeof value} ${String(value)}`, () => {
          stage.serve((app) => app.ws("/", {}), { websocket: { [option]: value } });
          return "listens";
        });
        await stage.end();
      }
    });
  }
});
