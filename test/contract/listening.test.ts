/** What `listen` takes, and what the server then says of itself. */

import { describe, expect, test } from "bun:test";
import { hostname as machine } from "node:os";
import { join } from "node:path";
import type { Elysia } from "elysia";

import type { EdgeServer } from "../../src/edge-server";
import { SMALL } from "../serving";
import { type Stage, sameOnBoth } from "./both";

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
    "no-such-name.invalid",
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
    ["stock", undefined],
    ["original", { ...SMALL, useSharding: false }],
    ["sharded", SMALL],
  ])("is shared by the processes of a cluster: %s", async (_name, config) => {
    const fixture = join(import.meta.dir, "../fixtures/cluster.ts");
    const command = [process.execPath, fixture, ...(config ? [JSON.stringify(config)] : [])];
    const child = Bun.spawn(command, { stderr: "inherit" });
    // The logger writes to stderr.
    expect(await child.stdout.text()).toEndWith("true\n");
  });
});
