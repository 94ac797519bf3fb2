/** Every member of `Server`. `types.test.ts` sees that none is forgotten. */

import { describe } from "bun:test";
import type { Server, SocketAddress } from "bun";

import { type Socket, type Stage, sameOnBoth, until } from "../both";

/** A server with a socket route that subscribes to `news`, and some plain ones. */
function serveAll(stage: Stage, hooks: object = {}): Socket[] {
  const sockets: Socket[] = [];
  stage.serve((app) => {
    app
      .get("/", () => "home")
      .get("/ip", ({ request, server }) => server?.requestIP(request))
      .get("/upgrade", ({ request, server }) =>
        String(server?.upgrade(request, { data: undefined })),
      )
      .ws("/ws", {
        ...hooks,
        open(ws) {
          ws.subscribe("news");
          sockets.push(ws.raw as Socket);
        },
      });
  });
  return sockets;
}

describe("the server publishes as Bun's does", () => {
  const DATA: [string, unknown][] = [
    ["text", "text"],
    ["no text", ""],
    ["é", "é"],
    ["bytes", new Uint8Array([1, 2])],
    ["ArrayBuffer", new Uint8Array([3]).buffer],
    ["SharedArrayBuffer", new SharedArrayBuffer(1)],
    ["DataView", new DataView(new ArrayBuffer(2))],
    ["Blob", new Blob(["blob"])],
    ["a number", 7],
    ["an object", {}],
    ["a symbol", Symbol("s")],
    ["undefined", undefined],
    ["null", null],
  ];

  sameOnBoth("to a subscriber", async (stage) => {
    serveAll(stage);
    const client = await stage.connect("/ws");
    for (const [label, data] of DATA) {
      stage.try(label, () => stage.server.publish("news", data as string));
    }
    stage.server.publish("news", "the end");
    let message: unknown;
    do {
      message = await client.next();
      stage.note(message);
    } while (message !== "the end");
  });

  sameOnBoth("without a subscriber", (stage) => {
    serveAll(stage);
    for (const [label, data] of DATA) {
      stage.try(label, () => stage.server.publish("empty", data as string));
    }
  });

  sameOnBoth("to names of channels that are none", (stage) => {
    serveAll(stage);
    for (const channel of ["", undefined, null]) {
      stage.try(`publish ${channel}`, () => stage.server.publish(channel as string, "x"));
      stage.try(`subscriberCount ${channel}`, () =>
        stage.server.subscriberCount(channel as string),
      );
    }
  });

  sameOnBoth("and counts subscribers", async (stage) => {
    const sockets = serveAll(stage);
    stage.note(stage.server.subscriberCount("news"));
    await stage.connect("/ws");
    await stage.connect("/ws");
    await until(() => sockets.length === 2);
    stage.note(stage.server.subscriberCount("news"), stage.server.subscriberCount("other"));
    sockets[0]?.unsubscribe("news");
    stage.note(stage.server.subscriberCount("news"));
  });
});

describe("the server knows what Bun's does", () => {
  const where = (server: Server<unknown>) => String(server.port);

  sameOnBoth("of itself", (stage) => {
    serveAll(stage);
    const { server } = stage;
    stage.note("hostname", server.hostname);
    stage.note("url", server.url.href.replace(where(server), "PORT"));
    stage.note("url is a URL", server.url instanceof URL);
    stage.note("port", Number.isInteger(server.port));
    stage.note("protocol", server.protocol);
    stage.note("development", server.development);
    stage.note("id", typeof server.id);
    const { address, family, port } = (server as unknown as { address: SocketAddress }).address;
    stage.note("address", { address, family, same: port === server.port });
    stage.note("pendingRequests", server.pendingRequests);
    stage.note("pendingWebSockets", server.pendingWebSockets);
    stage.try("ref", () => (server.ref() as unknown) === server);
    stage.try("unref", () => (server.unref() as unknown) === server);
    server.ref();
  });

  sameOnBoth("of its clients", async (stage) => {
    const sockets = serveAll(stage);
    const client = await stage.connect("/ws");
    await stage.connect("/ws");
    await until(() => sockets.length === 2);
    stage.note(stage.server.pendingWebSockets);
    await client.close();
    await until(() => stage.server.pendingWebSockets === 1);
    const answer = await fetch(`http://127.0.0.1:${stage.port}/ip`);
    const { address, family } = (await answer.json()) as { address: string; family: string };
    stage.note(address, family);
  });

  sameOnBoth("of requests that are none of its own", (stage) => {
    serveAll(stage);
    const request = new Request("http://127.0.0.1/");
    stage.try("requestIP", () => stage.server.requestIP(request));
    stage.try("upgrade", () => stage.server.upgrade(request, { data: undefined }));
    stage.try("timeout", () => stage.server.timeout(request, 1));
  });
});

describe("the server answers as Bun's does", () => {
  sameOnBoth("without a socket", async (stage) => {
    serveAll(stage);
    stage.note(await (await stage.server.fetch("/")).text());
    const request = new Request(`http://127.0.0.1:${stage.port}/missing`);
    stage.note((await stage.server.fetch(request)).status);
  });

  sameOnBoth("an upgrade of what is none", async (stage) => {
    serveAll(stage);
    stage.note(await (await fetch(`http://127.0.0.1:${stage.port}/upgrade`)).text());
  });

  sameOnBoth("a reload", async (stage) => {
    serveAll(stage);
    const before = await stage.connect("/ws");
    const heard: unknown[] = [];
    const reloaded = stage.server.reload({
      fetch: () => new Response("another"),
      websocket: { message: (_ws, message) => void heard.push(message) },
    });
    stage.note("returns the server", reloaded === stage.server);
    stage.note(await (await fetch(`http://127.0.0.1:${stage.port}/`)).text());
    before.send("to the new handler");
    await until(() => heard.length > 0);
    stage.note(heard);
  });
});

describe("the server stops as Bun's does", () => {
  sameOnBoth("at once", async (stage) => {
    const sockets = serveAll(stage);
    const client = await stage.connect("/ws");
    await until(() => sockets.length === 1);
    const { port, server } = stage;
    const stopped = server.stop(true);
    stage.note("a promise", stopped instanceof Promise);
    stage.note((await client.closed).code > 0);
    await stopped;
    stage.try("pendingWebSockets", () => server.pendingWebSockets);
    stage.try("publish", () => server.publish("news", "late"));
    stage.try("subscriberCount", () => server.subscriberCount("news"));
    const refused = await fetch(`http://127.0.0.1:${port}/`).catch(() => "refused");
    stage.note(refused);
  });

  sameOnBoth("when it is disposed of", async (stage) => {
    const sockets = serveAll(stage);
    const client = await stage.connect("/ws");
    await until(() => sockets.length === 1);
    const { port, server } = stage;
    stage.note("async too", Symbol.asyncDispose in server);
    stage.try("dispose", () => server[Symbol.dispose]());
    stage.note(await client.closed);
    stage.note(await fetch(`http://127.0.0.1:${port}/`).catch(() => "refused"));
  });

  sameOnBoth("when its clients have left", async (stage) => {
    const sockets = serveAll(stage);
    const client = await stage.connect("/ws");
    await until(() => sockets.length === 1);
    const { port, server } = stage;
    const stopped = server.stop();
    stage.note(await fetch(`http://127.0.0.1:${port}/`).catch(() => "refused"));
    sockets[0]?.send("still here");
    stage.note(await client.next());
    await client.close();
    await stopped;
    stage.note("stopped");
  });

  sameOnBoth("and closes connections that are idle", async (stage) => {
    serveAll(stage);
    await (await fetch(`http://127.0.0.1:${stage.port}/`)).text();
    stage.try("closeIdleConnections", () => typeof stage.server.closeIdleConnections());
  });
});
