/** How silence ends, with `idleTimeout` and `sendPings`. It is waited for once: all run at once. */

import { describe } from "bun:test";

import { type Socket, type Stage, sameOnBoth, until } from "../both";

const TIMEOUT_MS = 60_000;
const IDLE_AT_LEAST_MS = 4000;

/** A server that notes who was ended, why, and not too soon. */
function serveAndNote(stage: Stage, websocket: object) {
  const sockets = new Map<string, Socket>();
  const ends: string[] = [];
  const began = performance.now();
  stage.serve(
    (app) =>
      app.ws("/:name", {
        open: (ws) => void sockets.set(ws.data.params.name, ws.raw as Socket),
        close(ws, code, reason) {
          const late = performance.now() - began > IDLE_AT_LEAST_MS;
          ends.push(`${ws.data.params.name}: ${code} ${reason}, not at once: ${late}`);
        },
      }),
    { websocket },
  );
  return { sockets, ends };
}

/** A client that hears nothing, and so answers no ping. */
async function deaf(stage: Stage, name: string) {
  const client = await stage.connect(`/${name}`);
  client.socket.pause();
  return client;
}

describe("a silent client is ended as by Bun", () => {
  // 1 is the shortest silence that can be asked for, and is taken for a longer one.
  for (const idleTimeout of [1, 8]) {
    sameOnBoth(
      `with pings, after ${idleTimeout}`,
      async (stage) => {
        const { sockets, ends } = serveAndNote(stage, { idleTimeout, sendPings: true });
        await deaf(stage, "deaf");
        await deaf(stage, "sent to");
        const answers = await stage.connect("/answers");
        const pinged = new Promise((resolve) => answers.socket.once("ping", resolve));
        await until(() => sockets.size === 3);
        const sending = setInterval(() => sockets.get("sent to")?.send("tick"), 500);
        stage.note("pinged with", await pinged);
        await until(() => ends.length > 0);
        stage.note(ends);
        clearInterval(sending);
      },
      { timeoutMs: TIMEOUT_MS, concurrent: true },
    );
  }

  sameOnBoth(
    "without pings",
    async (stage) => {
      const { sockets, ends } = serveAndNote(stage, { idleTimeout: 8, sendPings: false });
      const talks = await stage.connect("/talks");
      await stage.connect("/listens");
      await deaf(stage, "sent to");
      await until(() => sockets.size === 3);
      const busy = setInterval(() => {
        sockets.get("sent to")?.send("tick");
        talks.send("tock");
      }, 500);
      await until(() => ends.length > 0);
      stage.note(ends);
      clearInterval(busy);
    },
    { timeoutMs: TIMEOUT_MS, concurrent: true },
  );

  sameOnBoth(
    "though its socket is full",
    async (stage) => {
      const { sockets, ends } = serveAndNote(stage, { idleTimeout: 8 });
      const client = await deaf(stage, "full");
      await until(() => sockets.size === 1);
      sockets.get("full")?.send("x".repeat(15 << 20));
      await until(() => ends.length > 0);
      stage.note(ends);
      client.socket.resume();
      stage.note((await client.closed).code);
    },
    { timeoutMs: TIMEOUT_MS, concurrent: true },
  );
});
