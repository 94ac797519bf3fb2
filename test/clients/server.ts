/** The server that all clients talk to, and what each of them is to see. */

import { expect } from "bun:test";
import { Elysia } from "elysia";

import { createBroadcaster, shardcast } from "../../src/index";
import { SMALL } from "../helpers/serving";

/** What a client sees that does as `scenario.js` does. */
export const SEEN = [
  ["protocol", "first"],
  ["text", "héllo"],
  ["bytes", [1, 2, 255]],
  ["a long text", true],
  ["closed by the client", [4002, "done"]],
  ["messages in order", 1000],
  ["closed by the server", [4001, "bye"]],
  ["refused", true],
  ["at the shutdown", [1001, ""]],
];

/** Runs `client` against a server, and checks what the one and the other saw. */
export async function serveClient(client: (base: string) => Promise<unknown>): Promise<void> {
  const broadcaster = createBroadcaster({ ...SMALL, perMessageDeflate: true });
  const heard: unknown[] = [];
  const pong = Promise.withResolvers<void>();
  const app = new Elysia({ adapter: shardcast(broadcaster) })
    .get("/", () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }))
    .ws("/echo", {
      open: (ws) => void ws.ping("there?"),
      pong: () => pong.resolve(void heard.push("pong")),
      parse: (_ws, message) => message,
      message: (ws, message) => void ws.raw.send(message as string, true),
      close: (_ws, code, reason) => void heard.push(["close", code, reason]),
    })
    .ws("/news", {
      open: (ws) => void ws.subscribe("news"),
      message(ws, message) {
        if (message === "go") publishNews();
        if (message === "bye") ws.close(4001, "bye");
        if (message === "shut down") void broadcaster.shutdown({ spreadMs: 0, timeoutMs: 5000 });
      },
    })
    .ws("/secret", { beforeHandle: ({ status }) => status(401) })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const publishNews = () => {
    for (let n = 0; n < 1000; n += 1) app.server?.publish("news", `message ${n}`);
  };
  try {
    expect(await client(`ws://127.0.0.1:${app.server?.port}`)).toEqual(SEEN);
    await pong.promise;
    expect(heard).toEqual(["pong", ["close", 4002, "done"]]);
  } finally {
    if (app.server) await app.stop(true);
  }
}
