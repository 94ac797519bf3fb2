/** What `listen` takes, and what the server then says of itself. */

import { describe, expect, test } from "bun:test";
import { hostname as machine } from "node:os";
import { join } from "node:path";
import type { Elysia } from "elysia";

import type { EdgeServer } from "../../../src/elysia/edge-server";
import { refused } from "../../helpers/client";
import { SMALL } from "../../helpers/serving";
import { type Stage, sameOnBoth } from "../both";
import { HOST, UPGRADE, Wire } from "../wire";

/** Some options of `listen`, which Elysia's types know only in part. */
type Options = Parameters<Elysia["listen"]>[0];

/** Writes down where the server is, or that there is none, and which of `hosts` it answers at. */
async function listen(
  stage: Stage,
  options: Record<string, unknown>,
  hosts = ["localhost"],
): Promise<void> {
  try {
    stage.serve((app) => app.get("/", "here"), {}, { port: 0, ...options } as Options);
  } catch {
    stage.note("throws");
    return;
  }
  // Bun's types do not know `address`.
  const { hostname, port, url, address } = stage.server as unknown as EdgeServer;
  stage.note(hostname, String(url).replace(String(port), "port"));
  stage.note(address.address, address.family);
  for (const host of hosts) {
    const answer = fetch(`http://${host}:${port}/`).then((response) => response.text());
    stage.note(host, await answer.catch(() => "refused"));
  }
}

describe("the server listens as Bun's does", () => {
  const HOSTNAMES = [
    undefined,
    null,
    "",
    "0.0.0.0",
    "::",
    "localhost",
    "127.0.0.1",
    machine(),
    "192.0.2.1",
    // No name server is asked for it.
    "no..name",
  ];
  for (const hostname of HOSTNAMES) {
    sameOnBoth(`at ${hostname}`, (stage) => listen(stage, { hostname }));
  }

  sameOnBoth("at an IPv6 address in brackets", (stage) =>
    listen(stage, { hostname: "[::1]" }, ["[::1]", "127.0.0.1"]),
  );

  for (const port of ["0", " 0", true, "abc", -1, 70_000, 1.5, Number.NaN]) {
    sameOnBoth(`on port ${JSON.stringify(port)}`, (stage) => {
      stage.try("listen", () => {
        const options = { port, hostname: "127.0.0.1", reusePort: true };
        stage.serve((app) => app, {}, options as Options);
      });
    });
  }

  for (const options of [{ unix: "" }, { unix: null }, { tls: {} }, { tls: [] }, { tls: null }]) {
    sameOnBoth(`with ${JSON.stringify(options)}`, (stage) => listen(stage, options));
  }

  sameOnBoth("without IPv4, if it is told to", (stage) =>
    listen(stage, { hostname: "::", ipv6Only: true }, ["[::1]", "127.0.0.1"]),
  );
});

describe("a port", () => {
  sameOnBoth("is shared by those that ask for it", async (stage) => {
    const options = { port: 0, hostname: "127.0.0.1", reusePort: true };
    const first = stage.serve((app) => app.get("/", "here"), {}, options as Options);
    const second = stage.serve((app) => app.get("/", "here"), {}, {
      ...options,
      port: first.server?.port,
    } as Options);
    stage.note(first.server?.port === second.server?.port);
    await first.stop(true);
  });

  test.each([
    ["built-in", undefined],
    ["Bun broadcaster", { ...SMALL, useSharding: false }],
    ["sharded", SMALL],
  ])("is shared by the processes of a cluster: %s", async (_name, config) => {
    const fixture = join(import.meta.dir, "../../fixtures/cluster.ts");
    const command = [process.execPath, fixture, ...(config ? [JSON.stringify(config)] : [])];
    const child = Bun.spawn(command, { stderr: "inherit" });
    // The logger writes to stderr.
    expect(await child.stdout.text()).toEndWith("true\n");
  });
});

describe("an app listens again as with Bun", () => {
  const LOCAL = { port: 0, hostname: "127.0.0.1" };
  const answer = (port: number | undefined) =>
    fetch(`http://127.0.0.1:${port}/`).then(
      (response) => response.text(),
      () => "refused",
    );
  const home = (app: Elysia) =>
    app.get("/", "here").ws("/ws", { open: (ws) => void ws.send("hi") });

  sameOnBoth("elsewhere, and serves at both", async (stage) => {
    const app = stage.serve(home);
    const first = app.server;
    app.listen(LOCAL);
    stage.note("another", app.server !== first);
    stage.note(await answer(first?.port), await answer(stage.port));
    // Elysia asks the app's last server for an upgrade, which knows nothing of the first's.
    const url = `ws://127.0.0.1:${first?.port}/ws`;
    stage.note((await refused(url)).status >= 400, await (await stage.connect("/ws")).next());
    await app.stop(true);
    stage.note(app.server, await answer(first?.port));
    await first?.stop(true);
    stage.note(await answer(first?.port));
  });

  sameOnBoth("at a port that its stop has just freed, with a client there", async (stage) => {
    const app = stage.serve(home);
    const { port, server } = stage;
    const client = await stage.connect("/ws");
    stage.note(await client.next());
    const stopped = app.stop();
    app.listen({ ...LOCAL, port });
    stage.note(app.server === server, await answer(port));
    const again = app.server;
    const other = await stage.connect("/ws");
    stage.note(await other.next());
    await client.close();
    await stopped;
    // Elysia forgets its server, though that is another by now.
    stage.note(app.server, await answer(port));
    await again?.stop(true);
  });

  sameOnBoth("after a stop, many times at one port", async (stage) => {
    const app = stage.serve(home);
    const { port } = stage;
    for (let time = 0; time < 5; time += 1) {
      await app.stop(true);
      app.listen({ ...LOCAL, port });
      stage.note(await answer(port));
    }
  });

  sameOnBoth("in vain, and goes on where it was", async (stage) => {
    const app = stage.serve(home);
    const { server } = stage;
    const taken = Bun.serve({ ...LOCAL, fetch: () => new Response("another") });
    stage.try("listen", () => app.listen({ ...LOCAL, port: taken.port as number }));
    stage.note(app.server === server, await answer(server.port));
    await taken.stop(true);
  });

  sameOnBoth("having stopped twice", async (stage) => {
    const app = stage.serve(home);
    const client = await stage.connect("/ws");
    const { server } = stage;
    const stops = [server.stop(), server.stop(), server.stop(true)];
    stage.note((await client.closed).code > 0, await Promise.all(stops));
    stage.note(await server.stop(), await server.stop(true), app.server === server);
  });
});

describe("stop(true)", () => {
  /** How a request ends: what is answered, or nothing. */
  const outcome = (asked: Promise<Response>) =>
    asked
      .then(async (response) => [response.status, await response.text()])
      .catch(() => "no answer");

  sameOnBoth("does not wait for requests under way", async (stage) => {
    const never = Promise.withResolvers<string>();
    const reached = Array.from({ length: 3 }, () => Promise.withResolvers<Request>());
    const reach = (place: number, request: Request) => reached[place]?.resolve(request);
    stage.serve((app) =>
      app
        .get("/never", ({ request }) => {
          reach(0, request);
          return never.promise;
        })
        .get("/stream", async function* ({ request }) {
          yield "begun";
          reach(1, request);
          yield await never.promise;
        })
        .ws("/ws", {
          beforeHandle: async ({ request }) => {
            reach(2, request);
            await never.promise;
          },
        }),
    );
    const { server, port } = stage;
    const outcomes = ["never", "stream"].map((path) =>
      outcome(fetch(`http://127.0.0.1:${port}/${path}`)),
    );
    const client = stage.connect("/ws").catch(() => "no socket");
    const requests = await Promise.all(reached.map(({ promise }) => promise));
    const stopped = server.stop(true);
    stage.note(requests[0]?.signal.aborted);
    stage.note(await Promise.all(outcomes), await client, await stopped);
    never.resolve("late");
  });

  sameOnBoth("ends the request that asks for it, too", async (stage) => {
    stage.serve((app) =>
      app.get("/", () => {
        void stage.server.stop(true);
        return "stopped";
      }),
    );
    stage.note(await outcome(fetch(`http://127.0.0.1:${stage.port}/`)));
  });

  sameOnBoth("does not wait for what a gentle stop waits for", async (stage) => {
    const reached = Promise.withResolvers<void>();
    stage.serve((app) =>
      app.get("/", () => {
        reached.resolve();
        return new Promise(() => {});
      }),
    );
    const { server, port } = stage;
    const asked = outcome(fetch(`http://127.0.0.1:${port}/`));
    await reached.promise;
    const stops = [server.stop(), server.stop(true)];
    stage.note(await asked, await Promise.all(stops));
  });

  sameOnBoth("closes a client in order that was accepted just before", async (stage) => {
    stage.serve((app) =>
      app.get("/", "here").ws("/ws", { open: () => void stage.server.stop(true) }),
    );
    const wire = await Wire.open(stage.port);
    // Behind another request, the door is the one that sends the answer.
    wire.write("GET / HTTP/1.1", HOST, "", "");
    await wire.has("here");
    wire.write("GET /ws HTTP/1.1", HOST, ...UPGRADE, "", "");
    await wire.end();
    stage.note(wire.received.includes("Server closed"));
    wire.close();
  });
});
