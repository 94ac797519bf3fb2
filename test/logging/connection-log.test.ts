import { describe, expect, test } from "bun:test";

import type { ShardcastConfig } from "../../src/index";
import { MAX_ID_LENGTH } from "../../src/sharded/clients/truncate-id";
import { connect, type TestClient, until, within } from "../helpers/client";
import { serve } from "../helpers/serving";
import { logged, type Spy, spyLogger } from "../helpers/spy-logger";

const both: [string, ShardcastConfig][] = [
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
];

async function greeted(url: string): Promise<TestClient> {
  const client = await connect(url);
  expect(await client.next()).toBe("ready");
  return client;
}

describe.each(both)("the log, %s", (_name, config) => {
  test("tells of connections with their client and shard", async () => {
    const logger: Spy = spyLogger();
    const { ws } = serve({ ...config, logger }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready") }),
    );
    await (await greeted(ws)).close(1000, "bye");
    const gone = () => logged(logger, "debug").find(({ message }) => message.includes("left"));
    await until(() => gone() !== undefined, "the line");
    const [connected] = logged(logger, "debug");
    expect(connected?.fields).toEqual({ client: expect.any(String), shard: expect.any(Number) });
    expect(gone()?.fields).toMatchObject({ ...connected?.fields, code: 1000, reason: "bye" });
    expect(logged(logger, "warn")).toEqual([]);
  });

  test("makes no line for each client where the level leaves it out", async () => {
    const logger: Spy = { ...spyLogger(), isLevelEnabled: (level) => level !== "debug" };
    const left = Promise.withResolvers<void>();
    const { ws } = serve({ ...config, logger }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready"), close: () => left.resolve() }),
    );
    await (await greeted(ws)).close();
    await within(left.promise, "the close");
    await new Promise(setImmediate);
    expect(logged(logger, "debug")).toEqual([]);
  });

  test("shows the beginning of a long id, which a client may have chosen", async () => {
    const logger: Spy = spyLogger();
    const clientId = ({ url }: Request) => new URL(url).search;
    const { ws } = serve({ ...config, clientId, logger }, (app) =>
      app.ws("/", { open: (ws) => void ws.send("ready") }),
    );
    await (await greeted(`${ws}/?${"x".repeat(10_000)}`)).close();
    const client = String(logged(logger, "debug")[0]?.fields.client);
    expect(client).toBe(`?${"x".repeat(MAX_ID_LENGTH - 1)}`);
  });
});
