/** What differs from Elysia itself on purpose: a look at each. */

import { expect } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { type Elysia, t } from "elysia";

import { connect, refused } from "../../helpers/client";
import { onEach, Stage } from "../both";
import { noteRawUpgrade } from "../notes";
import { HOST, UPGRADE, Wire } from "../wire";

const HANDSHAKE = [
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** The status line, or what else comes first, for an upgrade in these words. */
async function statusFor(stage: Stage, path: string, lines: string[]): Promise<string> {
  await noteRawUpgrade(stage, `GET ${path}`, lines);
  return stage.transcript.at(-1) as string;
}

/** What is named in the 101 to a client that offers these subprotocols. */
function subprotocols(offered: string, headers: object): Promise<(string | undefined)[]> {
  return onEach(async (stage) => {
    stage.serve((app) =>
      app.get("/up", ({ request, server }) => {
        server?.upgrade(request, { headers, data: {} } as never);
      }),
    );
    const wire = await Wire.open(stage.port);
    const offer = `Sec-WebSocket-Protocol: ${offered}`;
    wire.write("GET /up HTTP/1.1", HOST, ...UPGRADE, offer, "", "");
    await wire.has("\r\n\r\n");
    wire.close();
    return /^sec-websocket-protocol:(.*)$/im.exec(wire.received)?.[1]?.trim();
  });
}

export const ELYSIA_DIFFERENCES: Record<string, () => Promise<void>> = {
  async "a websocket limit below 0"() {
    for (const option of ["idleTimeout", "maxPayloadLength", "backpressureLimit"]) {
      const listens = (stage: Stage) => {
        const websocket = { [option]: -1 };
        const act = () => stage.serve((app) => app.ws("/", {}), { websocket });
        try {
          act();
          return "listens";
        } catch (error) {
          return (error as Error).message;
        }
      };
      const [builtIn, sharded] = await onEach(listens);
      expect(builtIn).toBe("listens");
      expect(sharded).toContain(option);
    }
  },

  async "Upgrade without Connection"() {
    const [builtIn, sharded] = await onEach((stage) => {
      stage.serve((app) => app.ws("/ws", {}));
      return statusFor(stage, "/ws", HANDSHAKE);
    });
    expect(builtIn).toEndWith("HTTP/1.1 101 Switching Protocols");
    expect(sharded).toEndWith("HTTP/1.1 404 Not Found");
  },

  async "an upgrade that breaks the protocol, to a plain route"() {
    const [builtIn, sharded] = await onEach((stage) => {
      stage.serve((app) => app.get("/plain", () => "plain"));
      return statusFor(stage, "/plain", ["Connection: Upgrade", ...HANDSHAKE.slice(0, 2)]);
    });
    expect(builtIn).toEndWith("HTTP/1.1 200 OK");
    expect(sharded).toEndWith("HTTP/1.1 400 Bad Request");
  },

  async "the content type of a rejection that sets none"() {
    const bytes = () => new Response(new Uint8Array([1]), { status: 403 });
    const typeOf = async (stage: Stage) => {
      stage.serve((app) => app.get("/bytes", bytes));
      const { headers } = await refused(`ws://127.0.0.1:${stage.port}/bytes`);
      return headers["content-type"];
    };
    expect(await onEach(typeOf)).toEqual(["application/octet-stream", "text/plain;charset=utf-8"]);
  },

  async "a route's own beforeHandle"() {
    const runs = await onEach(async (stage) => {
      const runs: string[] = [];
      stage.serve((app) => app.ws("/", { beforeHandle: ({ path }) => void runs.push(path) }));
      await stage.connect();
      return runs.length;
    });
    expect(runs).toEqual([2, 1]);
  },

  async "ws.subscriptions in a handler"() {
    const seen = await onEach(async (stage) => {
      const opened = Promise.withResolvers<string[]>();
      stage.serve((app) =>
        app.ws("/", {
          open(ws) {
            ws.subscribe("news");
            opened.resolve(ws.subscriptions);
          },
        }),
      );
      await stage.connect();
      return opened.promise;
    });
    expect(seen).toEqual([[], ["news"]]);
  },

  async "the members of ws"() {
    const own = await onEach(async (stage) => {
      const opened = Promise.withResolvers<string[]>();
      stage.serve((app) => app.ws("/", { open: (ws) => opened.resolve(Object.keys(ws)) }));
      await stage.connect();
      return opened.promise;
    });
    expect(own[0]).toContain("send");
    expect(own[1]).toEqual(["raw", "data", "body", "validator"]);
  },

  async "a message of more than maxJsonLength characters"() {
    const kinds = await onEach(async (stage) => {
      stage.serve((app) => app.ws("/", { message: (ws, body) => void ws.send(typeof body) }));
      const client = await stage.connect();
      client.send(`[${"1,".repeat(1 << 14)}1]`);
      return client.next();
    });
    expect(kinds).toEqual(["object", "string"]);
  },

  async "the text of an error about a large message"() {
    const repeated = await onEach(async (stage) => {
      stage.serve((app) => app.ws("/", { body: t.Object({ a: t.String() }) }));
      const client = await stage.connect();
      client.send(JSON.stringify({ a: Array.from({ length: 100 }, () => 1) }));
      return JSON.parse(String(await client.next())).found.a.length;
    });
    expect(repeated[0]).toBe(100);
    expect(repeated[1]).toBeLessThan(100);
  },

  async "an empty name in a list of subprotocols"() {
    expect(await subprotocols(", b", {})).toEqual(["", "b"]);
  },

  async "a subprotocol that contains an API key (shardcast.key.…)"() {
    expect(await subprotocols("shardcast.key.x, b", {})).toEqual(["shardcast.key.x", "b"]);
  },

  async "an undefined header of server.upgrade"() {
    const headers = { "sec-websocket-protocol": undefined };
    expect(await subprotocols("a", headers)).toEqual(["undefined", "a"]);
  },

  async "the async context of open, if listen was called in one"() {
    const context = new AsyncLocalStorage<string>();
    const seen = await onEach(async (stage) => {
      context.run("listen", () =>
        stage.serve((app) =>
          app
            .onBeforeHandle(() => context.enterWith("hook"))
            .ws("/", { open: (ws) => void ws.send(context.getStore()) }),
        ),
      );
      return (await stage.connect()).next();
    });
    expect(seen).toEqual(["listen", "hook"]);
  },

  async "a parser that throws"() {
    const stage = new Stage({});
    try {
      const parse = () => {
        throw new Error("bad");
      };
      stage.serve((app) => app.ws("/", { parse, error: ({ error }) => String(error) }));
      const client = await stage.connect();
      client.send("x");
      expect(await client.next()).toBe("Error: bad");
    } finally {
      await stage.end();
    }
  },

  async "send to a full socket"() {
    const MESSAGE = "x".repeat(1 << 20);
    const answersOf = async (stage: Stage) => {
      const { socket, client } = await stage.pair();
      client.socket.pause();
      // More than a kernel keeps for a socket whose client does not read.
      const answers = Array.from({ length: 12 }, () => socket.send(MESSAGE));
      return { first: answers[0], later: new Set(answers.slice(1)) };
    };
    const [builtIn, sharded] = await onEach(answersOf);
    for (const seen of [builtIn, sharded]) {
      expect(seen?.first).toBe(MESSAGE.length);
      // At another message each: what a kernel takes is known at once to Bun alone.
      expect(seen?.later.has(-1)).toBe(true);
      expect(seen?.later.has(0)).toBe(false);
    }
  },

  async "a rejection that is not a response"() {
    const [builtIn, sharded] = await onEach((stage) => {
      stage.serve((app) => app.ws("/", { beforeHandle: () => null }));
      return statusFor(stage, "/", ["Connection: Upgrade", ...HANDSHAKE]);
    });
    expect(builtIn).toEndWith("HTTP/1.1 200 OK");
    expect(sharded).toEndWith("HTTP/1.1 500 Internal Server Error");
  },

  async "an upgrade that matches a handler in serve.routes"() {
    const routes = {
      "/raw": (request: Request, server: NonNullable<Elysia["server"]>) =>
        server.upgrade(request, { data: {} }) ? undefined : new Response("plain"),
    };
    const codeOf = async (stage: Stage) => {
      stage.serve((app) => app.ws("/ws", {}), { serve: { routes } as object });
      const url = `127.0.0.1:${stage.port}/raw`;
      expect(await (await fetch(`http://${url}`)).text()).toBe("plain");
      const upgraded = connect(`ws://${url}`).then(() => 101);
      return upgraded.catch(() => refused(`ws://${url}`).then(({ status }) => status));
    };
    expect(await onEach(codeOf)).toEqual([101, 404]);
  },

  async "a long answer to an upgrade"() {
    const [builtIn, sharded] = await onEach(async (stage) => {
      stage.serve((app) => app.ws("/ws", { beforeHandle: () => "x".repeat((1 << 20) + 1) }));
      return (await refused(`ws://127.0.0.1:${stage.port}/ws`)).status;
    });
    expect(builtIn).toBe(200);
    expect(sharded).toBe(500);
  },

  async "an answer to an upgrade that does not complete in time"() {
    const [builtIn, sharded] = await onEach(
      async (stage) => {
        const body = () => new ReadableStream({ start: (it) => it.enqueue("begun") });
        const beforeHandle = () => new Response(body(), { status: 403 });
        stage.serve((app) => app.ws("/ws", { beforeHandle }));
        return statusFor(stage, "/ws", ["Connection: Upgrade", ...HANDSHAKE]);
      },
      { upgradeTimeoutMs: 50 },
    );
    expect(builtIn).toEndWith("HTTP/1.1 403 Forbidden");
    expect(sharded).toEndWith("HTTP/1.1 500 Internal Server Error");
  },

  async "an upgrade that the app does not decide in time"() {
    const seen = await onEach(
      async (stage) => {
        const decision = Promise.withResolvers<void>();
        const beforeHandle = async () => await decision.promise;
        stage.serve((app) => app.ws("/ws", { beforeHandle }));
        const status = statusFor(stage, "/ws", ["Connection: Upgrade", ...HANDSHAKE]);
        const inTime = await Promise.race([status, Bun.sleep(100)]);
        decision.resolve();
        return inTime ?? (await status);
      },
      { upgradeTimeoutMs: 1 },
    );
    expect(seen[0]).toEndWith("HTTP/1.1 101 Switching Protocols");
    expect(seen[1]).toEndWith("HTTP/1.1 503 Service Unavailable");
  },

  async "request.signal of an accepted upgrade"() {
    const [builtIn, sharded] = await onEach(async (stage) => {
      const aborted = Promise.withResolvers<boolean>();
      stage.serve((app) =>
        app.ws("/", { close: (ws) => aborted.resolve(ws.data.request.signal.aborted) }),
      );
      (await stage.connect()).terminate();
      return aborted.promise;
    });
    expect(builtIn).toBe(true);
    expect(sharded).toBe(false);
  },

  async "an error during an upgrade that neither a hook nor serve.error handles"() {
    const thrower = () => {
      throw new Error("thrown by a test");
    };
    // On Bun's own it would be an error of the test as well.
    const stage = new Stage({});
    stage.serve((app) => app.onError(thrower).ws("/ws", { beforeHandle: thrower }));
    const { status, body } = await refused(`ws://127.0.0.1:${stage.port}/ws`);
    await stage.end();
    expect([status, body]).toEqual([500, "internal server error\n"]);
  },
};
