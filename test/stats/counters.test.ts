import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../../src/config/config";
import { PrometheusCollector, type ShardStats } from "../../src/index";
import { STATS } from "../../src/server/api/response-schemas";
import { coreOptions } from "../../src/sharded/core-options";
import { loadNative, type WorkerCounters } from "../../src/sharded/native";
import { CORE_FIGURES, type CoreFigure, STATS_FIGURES } from "../../src/stats/counters";
import { shardStats, sumByShard } from "../../src/stats/stats";
import { refusedUpgrades } from "../../src/upgrades/refused-upgrades";
import { SMALL } from "../helpers/serving";

type Schemas = Record<string, { description?: string }>;

/** What a core that has just started says of its first worker. */
function firstWorker(): WorkerCounters {
  const { Core } = loadNative();
  const core = new Core(coreOptions(resolveConfig(SMALL)), () => {});
  const [worker] = core.workers();
  core.stop();
  if (!worker) throw new Error("a core has workers");
  return worker;
}

const isFigure = (name: string): name is CoreFigure => name !== "shard" && name !== "worker";
const names = Object.keys(firstWorker()).filter(isFigure);

/** No two counts are the same. A queue is saturated or is not. */
const distinct = names.map((name, n) => [name, name === "saturated" ? 1 : 1000 + n] as const);
const worker = {
  shard: 0,
  worker: 0,
  ...(Object.fromEntries(distinct) as Record<CoreFigure, number>),
};
const shards = sumByShard([worker], { numShards: 1, maxClients: 500 });
const atDoor = { malformed: 2001, busy: 2002, undecided: 2003 };
const stats: ShardStats = shardStats(shards, {
  ...{ published: 2010, acceptFailures: 2011 },
  channelTotals: { channels: 2012, subscriptions: 2013 },
  refused: refusedUpgrades({ app: 2004, full: 2005, draining: 2006 }, atDoor),
});

describe("every counter of the core", () => {
  test("has its public names", () => {
    expect(names.length).toBeGreaterThan(20);
    expect(Object.keys(CORE_FIGURES).sort()).toEqual(names.toSorted());
  });

  test.each(distinct)("is in the stats: %s", (name, count) => {
    const expected = name === "busyNs" ? count / 1e9 : count;
    const { per_worker, ...shard } = stats.shard_0 ?? {};
    const shown = [...Object.values(shard), ...Object.values(per_worker?.[0] ?? {})];
    expect(shown.map(Number)).toContain(expected);
  });

  test.each(distinct)("is in the metrics: %s", async (name, count) => {
    const collector = new PrometheusCollector();
    collector.observe({ stats: () => stats });
    const values = (await collector.metrics()).match(/ \S+$/gm)?.map(Number);
    expect(values).toContain(name === "busyNs" ? count / 1e9 : count);
  });
});

test("no figure of the stats lacks a description, in the code or in the API", () => {
  const { shard_0, ...totals } = stats;
  const { per_worker = [], ...shard } = shard_0 ?? {};
  const { per_worker: workers, ...ofShard } = STATS.additionalProperties.properties;
  const ofWorker = (workers as { items: { properties: object } }).items.properties;
  const described: [figures: object, table: object, schema: Schemas][] = [
    [totals, STATS_FIGURES.total, STATS.properties as Schemas],
    [shard, STATS_FIGURES.shard, ofShard as Schemas],
    [per_worker[0] ?? {}, STATS_FIGURES.worker, ofWorker as Schemas],
  ];
  for (const [figures, table, schema] of described) {
    expect(Object.keys(table).sort()).toEqual(Object.keys(figures).sort());
    expect(Object.keys(schema).sort()).toEqual(Object.keys(figures).sort());
    for (const [name, { description }] of Object.entries(schema)) {
      expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z`0-9].*\.$/)]);
    }
  }
});

test("what the door and JavaScript refuse is in the stats and the metrics, by reason", async () => {
  const collector = new PrometheusCollector();
  collector.observe({ stats: () => stats });
  const metrics = await collector.metrics();
  for (const [reason, count] of Object.entries(atDoor)) {
    expect(stats).toMatchObject({ [`refused_${reason}`]: count });
    expect(metrics).toContain(`shardcast_upgrades_refused_total{reason="${reason}"} ${count}`);
  }
  expect(metrics).toContain('shardcast_upgrades_refused_total{reason="full"} 2005');
  expect(metrics).toContain("shardcast_channels 2012");
  expect(metrics).toContain('shardcast_http_requests_failed_total{reason="busy"} 0');
});
