/** The `websocket` options, as Elysia takes them for an app and for a route. */

import { describe } from "bun:test";

import { type Stage, sameOnBoth } from "./both";

/** The code with which the server closes a client that says something too long; 0 if it does not. */
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

  sameOnBoth(
    "idleTimeout, and sendPings before it",
    async (stage) => {
      // The shortest that Bun takes.
      stage.serve((app) => app.ws("/", {}), { websocket: { idleTimeout: 8, sendPings: true } });
      const client = await stage.connect();
      const pinged = new Promise<void>((resolve) => client.socket.once("ping", () => resolve()));
      await pinged;
      stage.note("pinged");
    },
    20_000,
  );

  for (const options of [
    { idleTimeout: 961 },
    { idleTimeout: 7 },
    { maxPayloadLength: "big" },
    { sendPings: "yes" },
    { publishToSelf: 1 },
  ]) {
    sameOnBoth(`${JSON.stringify(options)} is taken or refused`, (stage) => {
      stage.try("listen", () => {
        stage.serve((app) => app.ws("/", {}), { websocket: options as object });
        return "listens";
      });
    });
  }
});
