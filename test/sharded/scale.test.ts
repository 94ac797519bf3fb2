import { expect, test } from "bun:test";

import { loadNative } from "../../src/sharded/native";
import { shardsOf } from "../../src/stats/stats";
import { loadTest } from "../helpers/load-tester";
import { type Serving, serve } from "../helpers/serving";

const CLIENTS = 5000;
const MESSAGES = 1000;
const MESSAGES_PER_SECOND = 100;
const MESSAGE_BYTES = 128;
const TIMEOUT_MS = 120_000;

/** Two shards for the clients, with room for the unevenness of the hash. */
const ROOM = { maxClients: CLIENTS, bufferSize: MESSAGES };

function serveTicks(): Serving {
  loadNative().raiseFileLimit();
  return serve(ROOM, (app) =>
    app.ws("/stream", {
      open(ws) {
        ws.subscribe("ticks");
      },
    }),
  );
}

/** Publishes numbered messages at an even rate; resolves to how many workers dropped one. */
async function publishAll({ broadcaster }: Serving): Promise<number> {
  let dropped = 0;
  const startedAt = performance.now();
  for (let n = 0; n < MESSAGES; n += 1) {
    const aheadMs = (n / MESSAGES_PER_SECOND) * 1000 - (performance.now() - startedAt);
    if (aheadMs > 0) await Bun.sleep(aheadMs);
    const head = `{"t":${Date.now()}000000,"n":${n},"p":"`;
    const message = `${head.padEnd(MESSAGE_BYTES - 2, "x")}"}`;
    dropped += broadcaster.publish("ticks", message).dropped;
  }
  return dropped;
}

/** The counters of all shards together, once every client is gone and nothing moves any more. */
async function finalCounters({ broadcaster }: Serving): Promise<Record<string, number>> {
  while (broadcaster.stats().total_clients > 0) await Bun.sleep(10);
  const sums: Record<string, number> = {};
  for (const counters of shardsOf(broadcaster.stats())) {
    for (const [name, value] of Object.entries(counters)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

test(
  "5,000 clients get every message, in order, and the stats add up to what was sent",
  async () => {
    const serving = serveTicks();
    const flags = ["--clients", `${CLIENTS}`, "--messages", `${MESSAGES}`, "--duration", "60s"];
    const { report } = await loadTest(`${serving.ws}/stream`, ...flags);
    expect(await publishAll(serving)).toBe(0);

    expect(await report).toMatchObject({
      connected: CLIENTS,
      failed: 0,
      closed: {},
      messages_total: CLIENTS * MESSAGES,
      min_messages: MESSAGES,
      missing: 0,
      out_of_order: 0,
      unnumbered: 0,
    });
    expect(await finalCounters(serving)).toMatchObject({
      deliveries_expected: CLIENTS * MESSAGES,
      deliveries: CLIENTS * MESSAGES,
      dropped_slow: 0,
      dropped_skipped: 0,
      dropped_closed: 0,
      dropped_queue_full: 0,
    });
  },
  TIMEOUT_MS,
);

test(
  "3,000 clients miss nothing while 2,000 others read nothing at all",
  async () => {
    const serving = serveTicks();
    const stalled = 2000;
    const flags = ["--clients", `${CLIENTS}`, "--messages", `${MESSAGES}`, "--duration", "60s"];
    const { report } = await loadTest(`${serving.ws}/stream`, "--stall", `${stalled}`, ...flags);
    expect(await publishAll(serving)).toBe(0);

    expect(await report).toMatchObject({
      connected: CLIENTS,
      messages_total: (CLIENTS - stalled) * MESSAGES,
      min_messages: MESSAGES,
      missing: 0,
      out_of_order: 0,
    });
    const { deliveries_expected, deliveries, dropped_slow, dropped_closed } =
      await finalCounters(serving);
    expect(deliveries_expected).toBe(CLIENTS * MESSAGES);
    expect(Number(deliveries) + Number(dropped_slow) + Number(dropped_closed)).toBe(
      CLIENTS * MESSAGES,
    );
  },
  TIMEOUT_MS,
);
