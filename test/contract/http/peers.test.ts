/** What the app knows of a client, by the port that it came to, and of one that leaves. */

import { describe } from "bun:test";
import type { Elysia } from "elysia";

import { connect } from "../../helpers/client";
import { type Stage, sameOnBoth, until } from "../both";
import { HOST, UPGRADE, Wire } from "../wire";

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

  sameOnBoth("until its upgrade is accepted", async (stage) => {
    const families: unknown[] = [];
    const look = (request: Request) => {
      families.push(stage.server.requestIP(request)?.family ?? null);
    };
    stage.serve((app) =>
      app
        .onBeforeHandle(({ request }) => look(request))
        .ws("/", {
          open: (ws) => look(ws.data.request),
          message(ws) {
            look(ws.data.request);
            ws.send(ws.remoteAddress);
          },
        }),
    );
    const client = await stage.connect();
    client.send("hello");
    stage.note(await client.next(), families);
    client.terminate();
  });
});

describe("a client that leaves before the decision on its upgrade", () => {
  const leave: [name: string, (wire: Wire) => void][] = [
    ["by closing its connection", (wire) => wire.close()],
    ["by ending its side", (wire) => wire.halfClose()],
  ];
  for (const [name, act] of leave) {
    sameOnBoth(`aborts the request, as on Bun, ${name}`, async (stage) => {
      const seen: unknown[] = [];
      const left = Promise.withResolvers<void>();
      stage.serve((app) =>
        app
          .onBeforeHandle(async ({ request }) => {
            seen.push(request.signal.aborted);
            request.signal.addEventListener("abort", () => left.resolve());
            await left.promise;
            seen.push(String(request.signal.reason), stage.server.requestIP(request));
          })
          .ws("/", { open: () => void seen.push("open") }),
      );
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", HOST, ...UPGRADE, "", "");
      await until(() => seen.length > 0);
      act(wire);
      await until(() => seen.length > 2);
      stage.note(...seen, wire.received);
      wire.close();
    });
  }

  sameOnBoth("has aborted it for who asks afterwards", async (stage) => {
    const decision = Promise.withResolvers<void>();
    const aborted: boolean[] = [];
    let asked = false;
    stage.serve((app) =>
      app
        .get("/", () => "home")
        .onBeforeHandle(async ({ request }) => {
          asked = true;
          await decision.promise;
          aborted.push(request.signal.aborted);
        })
        .ws("/", {}),
    );
    const wire = await Wire.open(stage.port);
    wire.write("GET / HTTP/1.1", HOST, ...UPGRADE, "", "");
    await until(() => asked);
    wire.close();
    await until(() => stage.server.pendingRequests === 0);
    // Another client's round trip: what there was to tell has been told.
    await fetch(`http://127.0.0.1:${stage.port}/`);
    decision.resolve();
    await until(() => aborted.length > 0);
    stage.note(aborted);
  });
});
