import { describe, expect, test } from "bun:test";
import type { Elysia } from "elysia";

import type { ShardcastConfig } from "../../src/index";
import { connect, type TestClient } from "../helpers/client";
import { serve } from "../helpers/serving";

const both: [string, ShardcastConfig][] = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
];

const LONG = "a tick of the clock, ".repeat(200);

/** Echoes, and publishes what it is told to, each with the `compress` that it is told. */
function routes(app: Elysia) {
  return app.ws("/", {
    open(ws) {
      ws.subscribe("ticks");
      ws.send("ready");
    },
    message(ws, message) {
      const [verb, compress] = String(message).split(" ", 2);
      const flag = compress === undefined ? undefined : compress === "true";
      if (verb === "publish") app.server?.publish("ticks", LONG, flag);
      else if (verb === "send") ws.raw.send(LONG, flag);
      else ws.send(String(message).length);
    },
  });
}

/** Bytes that the next message takes on the wire, roughly, and the message. */
async function measured(client: TestClient, ask: string) {
  const { _socket: socket } = client.socket as unknown as { _socket: { bytesRead: number } };
  const before = socket.bytesRead;
  client.send(ask);
  const message = await client.next();
  return { message, bytes: socket.bytesRead - before };
}

describe.each(both)("compression, %s", (_name, config) => {
  test("is agreed on only when the app and the client want it", async () => {
    const { ws } = serve({ ...config, perMessageDeflate: true }, routes);
    const { ws: without } = serve(config, routes);
    expect((await connect(ws)).socket.extensions).toBe("permessage-deflate");
    expect((await connect(without)).socket.extensions).toBe("");
  });

  test("can be asked for as with Bun", async () => {
    const websocket = { perMessageDeflate: true };
    const { app, ws } = serve(config, (app) => {
      app.config.websocket = websocket as never;
      return routes(app);
    });
    expect(app.server).not.toBeNull();
    expect((await connect(ws)).socket.extensions).toBe("permessage-deflate");
  });

  test("is for published messages unless told otherwise, and for direct ones when told", async () => {
    const { ws } = serve({ ...config, perMessageDeflate: true }, routes);
    const client = await connect(ws);
    expect(await client.next()).toBe("ready");
    const compressed = ["publish", "publish true", "send true"];
    for (const ask of compressed) {
      const { message, bytes } = await measured(client, ask);
      expect(message).toBe(LONG);
      expect(bytes).toBeLessThan(200);
    }
    for (const ask of ["publish false", "send", "send false"]) {
      const { message, bytes } = await measured(client, ask);
      expect(message).toBe(LONG);
      expect(bytes).toBeGreaterThan(LONG.length);
    }
  });

  test("of a client's messages is undone", async () => {
    const { ws } = serve({ ...config, perMessageDeflate: true }, routes);
    const client = await connect(ws);
    expect(await client.next()).toBe("ready");
    client.send(LONG);
    expect(await client.next()).toBe(String(LONG.length));
  });

  test("is no way past the limit of a message", async () => {
    const { ws } = serve({ ...config, perMessageDeflate: true, maxPayloadLength: 1000 }, routes);
    const client = await connect(ws);
    expect(await client.next()).toBe("ready");
    client.send(LONG);
    // Bun ends the connection without a close frame.
    expect([1006, 1009]).toContain((await client.closed).code);
  });

  test("leaves clients that do not want it alone", async () => {
    const { ws } = serve({ ...config, perMessageDeflate: true }, routes);
    const [wants, doesNot] = await Promise.all([
      connect(ws),
      connect(ws, { perMessageDeflate: false }),
    ]);
    expect(doesNot.socket.extensions).toBe("");
    expect([await wants.next(), await doesNot.next()]).toEqual(["ready", "ready"]);
    wants.send("publish");
    expect([await wants.next(), await doesNot.next()]).toEqual([LONG, LONG]);
  });
});

test("sharded, a bomb is answered with 1009", async () => {
  const { ws } = serve({ perMessageDeflate: true, maxPayloadLength: 1000 }, routes);
  const client = await connect(ws);
  expect(await client.next()).toBe("ready");
  client.send(LONG);
  expect(await client.closed).toEqual({ code: 1009, reason: "message too big" });
});
