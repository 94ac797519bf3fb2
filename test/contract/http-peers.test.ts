/** What the app knows of a client, by the port that it came to. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { connect } from "../client";
import { type Stage, sameOnBoth } from "./both";

/** Plain HTTP and sockets that tell a client its address. */
const tellAddresses = (app: Elysia) =>
  app
    .get("/", ({ request, server }) => {
      const { address, family } = server?.requestIP(request) ?? {};
      return `${address} ${family}`;
    })
    .ws("/ws", { open: (ws) => void ws.send(ws.remoteAddress) });

async function noteAddresses(stage: Stage, host: string): Promise<void> {
  const answer = await fetch(`http://${host}:${stage.port}/`);
  const client = await connect(`ws://${host}:${stage.port}/ws`);
  stage.note(host, await answer.text(), await client.next());
  client.terminate();
}

describe("a client has the address that it has on Bun", () => {
  for (const [name, where, hosts] of [
    ["where no host was named", {}, ["127.0.0.1", "[::1]"]],
    ["at ::", { hostname: "::" }, ["127.0.0.1", "[::1]"]],
    ["at 0.0.0.0", { hostname: "0.0.0.0" }, ["127.0.0.1"]],
    ["at localhost", { hostname: "localhost" }, ["127.0.0.1"]],
  ] as [string, { hostname?: string }, string[]][]) {
    sameOnBoth(name, async (stage) => {
      stage.serve(tellAddresses, {}, { port: 0, ...where });
      for (const host of hosts) await noteAddresses(stage, host);
      stage.note(stage.server.hostname);
    });
  }
});
