/** One table of rules: Prometheus' rules are written from it, and the page judges as they do. */

import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ALERT_RULES_FILE, alertRules, conditionOf } from "../../scripts/generate/alert-rules";
import { findPromtool } from "../../scripts/tools/promtool";
import { PrometheusCollector } from "../../src/index";
import { ALERT_RULES, type Reading } from "../../src/server/live/alert-rules";
import { Verdicts } from "../../src/server/live/verdict";
import {
  noCounters,
  type ShardCounters,
  shardStats,
  type WorkerStats,
} from "../../src/stats/stats";

const ROOT = join(import.meta.dir, "../..");
const promtool = await findPromtool(ROOT);
const withoutPromtool = promtool === undefined && !process.env.CI;
const whyNoPromtool = withoutPromtool ? " (skipped: no promtool)" : "";

const WORKER: WorkerStats = {
  ...{ clients: 500, queue_messages: 0, queue_bytes: 0, saturated: false, saturations: 0 },
  ...{ busy_seconds: 100, failures: 0 },
};

interface Scene {
  shard?: Partial<ShardCounters>;
  worker?: Partial<WorkerStats>;
  refused_full?: number;
  requests_unreachable?: number;
  accept_failures?: number;
  /** Messages that took up to a second, two seconds, and longer. */
  times?: [number, number, number];
}

/** A server of 1,000 clients, and its second worker is as the scene has it. */
function reading({ shard, worker, times = [0, 0, 0], ...counts }: Scene): Reading {
  const counters = {
    ...{ ...noCounters(), clients: 1000, max_clients: 2000, deliveries_expected: 1000, ...shard },
    per_worker: [WORKER, { ...WORKER, ...worker }],
  };
  const stats = { ...shardStats([counters]), ...counts };
  return { stats, times: { bounds: [1, 2], counts: times, sum: 1 } };
}

/** What five minutes later a server is like to which nothing has happened. */
const CALM: Scene = { worker: { busy_seconds: 200 }, times: [10_000, 0, 0] };

const SCENES: Record<string, Scene> = {
  "all is well": CALM,
  "a queue was full": { shard: { dropped_queue_full: 1, deliveries_expected: 10_000 } },
  "a worker is stuck": { worker: { busy_seconds: 100, queue_messages: 3 } },
  "a worker has failed": { worker: { busy_seconds: 200, failures: 1 } },
  "there were no files": { accept_failures: 3 },
  "one client of a thousand was disconnected": { shard: { closed_slow: 1 } },
  "many clients were disconnected": { shard: { closed_slow: 11 } },
  "slow clients have lost much": {
    shard: { dropped_slow: 60, dropped_skipped: 50, deliveries_expected: 11_000 },
  },
  "slow clients have lost a little": { shard: { dropped_slow: 60, deliveries_expected: 11_000 } },
  "some messages were late": { times: [900, 100, 0] },
  "a worker was busy": { worker: { busy_seconds: 100 + 290 } },
  "a worker was rather busy": { worker: { busy_seconds: 100 + 250 } },
  "a worker is saturated": {
    worker: { busy_seconds: 200, saturated: true },
    shard: { saturated_workers: 1 },
  },
  "a shard is nearly full": { shard: { clients: 1801 } },
  "clients were refused": { refused_full: 5 },
  "requests were not answered": { requests_unreachable: 5 },
};

/** The names of the rules that hold by the page's judgement, after five minutes. */
function judged(scene: Scene): string[] {
  const clock = { ms: 0 };
  const verdicts = new Verdicts(() => clock.ms);
  verdicts.begin();
  verdicts.next(reading({}), []);
  clock.ms = 299_000;
  // The gauges are as they were a second ago.
  verdicts.next(reading({ ...CALM, ...scene }), []);
  clock.ms = 300_000;
  return verdicts.next(reading({ ...CALM, ...scene }), []).problems.map(({ name }) => name);
}

const HELD: Record<string, string[]> = {
  "a queue was full": ["ShardcastDropsForFullQueues"],
  "a worker is stuck": ["ShardcastWorkerStuck"],
  "a worker has failed": ["ShardcastWorkerFailed"],
  "there were no files": ["ShardcastOutOfFiles"],
  "many clients were disconnected": ["ShardcastClientsDisconnected"],
  "slow clients have lost much": ["ShardcastSlowClients"],
  "some messages were late": ["ShardcastSlowDelivery"],
  "a worker was busy": ["ShardcastWorkerBusy"],
  "a worker is saturated": ["ShardcastWorkerSaturated"],
  "a shard is nearly full": ["ShardcastShardNearlyFull"],
  "clients were refused": ["ShardcastUpgradesRefused"],
  "requests were not answered": ["ShardcastRequestsFail"],
};

test("the rules for Prometheus are those of the table; `bun run docs` writes them anew", async () => {
  expect(await Bun.file(join(ROOT, ALERT_RULES_FILE)).text()).toBe(alertRules());
});

describe("the page's verdict", () => {
  test.each(Object.entries(SCENES))("where %s names the rules that hold", (name, scene) => {
    expect(judged(scene)).toEqual(HELD[name] ?? []);
  });

  test("is tried for every rule", () => {
    const tried = new Set(Object.values(HELD).flat());
    expect(ALERT_RULES.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });

  test.skipIf(withoutPromtool)(
    `is that of Prometheus, five minutes after each${whyNoPromtool}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "shardcast-rules-"));
      const file = join(folder, "test.json");
      const tests = await Promise.all(
        Object.entries(SCENES).map(([name, scene]) => seriesTest(name, scene)),
      );
      await Bun.write(file, JSON.stringify({ evaluation_interval: "15s", tests }));
      const { stdout, stderr, exitCode } = Bun.spawnSync([String(promtool), "test", "rules", file]);
      await rm(folder, { recursive: true });
      expect([stdout.toString() + stderr.toString(), exitCode]).toEqual([
        expect.stringContaining("SUCCESS"),
        0,
      ]);
    },
  );
});

/** Lets promtool look at the same server: counters grow evenly, and gauges stay. */
async function seriesTest(name: string, scene: Scene) {
  const before = await samplesOf(reading({}));
  const after = await samplesOf(reading({ ...CALM, ...scene }));
  const holds = new Set(judged(scene));
  const input_series = [...after].map(([series, value]) => {
    const first = /_(total|bucket|count|sum)\b/.test(series) ? (before.get(series) ?? 0) : value;
    return { series, values: `${first}+${(value - first) / 20}x20` };
  });
  const promql_expr_test = ALERT_RULES.map((rule) => ({
    expr: `(count(${conditionOf(rule)}) > bool 0) or vector(0)`,
    eval_time: "5m",
    exp_samples: [{ labels: "{}", value: Number(holds.has(rule.name)) }],
  }));
  return { name, interval: "15s", input_series, promql_expr_test };
}

async function samplesOf({ stats, times }: Reading): Promise<Map<string, number>> {
  const collector = new PrometheusCollector();
  collector.observe({ stats: () => stats, deliveryTimes: () => times });
  const lines = (await collector.metrics()).split("\n");
  const samples = lines.filter((line) => line.startsWith("shardcast_"));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}
