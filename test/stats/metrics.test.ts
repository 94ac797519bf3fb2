import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { findPromtool } from "../../scripts/tools/promtool";
import { resolveConfig } from "../../src/config/config";
import { PrometheusCollector } from "../../src/index";
import { createApp } from "../../src/server/app";
import {
  noCounters,
  type ShardCounters,
  type ShardStats,
  shardStats,
  shardsOf,
} from "../../src/stats/stats";
import { connect, within } from "../helpers/client";
import { emptySource, SMALL } from "../helpers/serving";

const promtool = await findPromtool(join(import.meta.dir, "../.."));
// A machine of a developer can do without; in CI its absence fails the tests, and none is skipped.
const withoutPromtool = promtool === undefined && !process.env.CI;
const whySkipped = withoutPromtool ? " (skipped: no promtool, and it could not be fetched)" : "";

/** What promtool says about a text of metrics: its exit code, and its complaints. */
function check(metrics: string): { exitCode: number; complaints: string } {
  if (promtool === undefined) throw new Error("CI needs promtool: apt-get install prometheus");
  const command = [promtool, "check", "metrics"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdin: Buffer.from(metrics) });
  return { exitCode, complaints: stdout.toString() + stderr.toString() };
}

const ACCEPTED = { exitCode: 0, complaints: "" };

/** The samples of a text of metrics, by their names and labels. */
function samplesOf(metrics: string): Map<string, number> {
  const lines = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** The names that a text of metrics declares as counters. */
function countersOf(metrics: string): Set<string> {
  return new Set([...metrics.matchAll(/^# TYPE (\S+) counter$/gm)].map(([, name = ""]) => name));
}

/** A shard in which no two counts are the same, with two workers. */
function distinctCounters(shard: number): ShardCounters {
  const zeros = Object.keys(noCounters()).filter((name) => name !== "per_worker");
  const counts = zeros.map((name, index) => [name, 1000 * (shard + 1) + index]);
  const worker = { clients: 1, queue_messages: 2, queue_bytes: 3, saturations: 4 };
  return {
    ...noCounters(),
    ...Object.fromEntries(counts),
    per_worker: [
      { ...worker, saturated: false, busy_seconds: 0.25, failures: 5 },
      { ...worker, saturated: true, busy_seconds: 1e9, failures: 6 },
    ],
  };
}

function observing(...shards: ShardCounters[]): PrometheusCollector {
  const collector = new PrometheusCollector();
  collector.observe({ stats: () => shardStats(shards) });
  return collector;
}

describe("the collector", () => {
  test("has neither stats nor metrics before it observes", async () => {
    const collector = new PrometheusCollector();
    const none = { total_clients: 0, total_shards: 0, total_published: 0 };
    expect(collector.stats()).toMatchObject(none);
    expect((await collector.metrics()).trim()).toBe("");
  });

  test("observes one source", () => {
    const collector = observing();
    expect(() => collector.observe({ stats: () => shardStats([]) })).toThrow("one source");
  });

  test("shows every count of a shard that no sum of others gives", async () => {
    const counters = distinctCounters(0);
    const samples = [...samplesOf(await observing(counters).metrics())];
    const ours = samples.filter(([series]) => series.startsWith("shardcast_"));
    // Of these, the counts of the workers are the parts.
    const sums = ["saturated_workers", "saturations", "queue_messages", "queue_bytes"];
    const omitted = new Set([...sums, "busy_seconds", "per_worker"]);
    for (const [name, value] of Object.entries(counters)) {
      const shown = ours.filter(([, other]) => other === value).length;
      expect([name, shown]).toEqual([name, omitted.has(name) ? 0 : 1]);
    }
  });

  test("tells shards, workers and reasons apart by labels", async () => {
    const [first, second] = [distinctCounters(0), distinctCounters(1)];
    const samples = samplesOf(await observing(first, second).metrics());
    expect(samples.get('shardcast_clients{shard="1"}')).toBe(second.clients);
    const skipped = samples.get('shardcast_deliveries_dropped_total{shard="0",reason="skipped"}');
    expect(skipped).toBe(first.dropped_skipped);
    const idle = samples.get('shardcast_clients_closed_total{shard="1",reason="idle"}');
    expect(idle).toBe(second.closed_idle);
    const saturated = (worker: number) =>
      samples.get(`shardcast_worker_saturated{shard="0",worker="${worker}"}`);
    expect([saturated(0), saturated(1)]).toEqual([0, 1]);
    const busy = samples.get('shardcast_worker_busy_seconds_total{shard="0",worker="0"}');
    expect(busy).toBe(0.25);
    expect(samples.get("shardcast_accept_failures_total")).toBe(0);
    const failures = samples.get('shardcast_worker_failures_total{shard="1",worker="1"}');
    expect(failures).toBe(6);
  });

  test("reads its source once a scrape", async () => {
    let reads = 0;
    const collector = new PrometheusCollector();
    collector.observe({
      stats: () => {
        reads += 1;
        return shardStats([distinctCounters(0)]);
      },
    });
    await collector.metrics();
    expect(reads).toBe(1);
  });

  test("shares nothing with another collector", async () => {
    const [one, other] = [observing(distinctCounters(0)), observing()];
    expect(samplesOf(await one.metrics()).has('shardcast_clients{shard="0"}')).toBe(true);
    expect(samplesOf(await other.metrics()).has('shardcast_clients{shard="0"}')).toBe(false);
  });

  test("shows the process as the system does", async () => {
    const samples = samplesOf(await observing().metrics());
    const { user, system } = process.cpuUsage();
    const cpuSeconds = (user + system) / 1e6;
    expect(Math.abs(cpuSeconds - (samples.get("process_cpu_seconds_total") ?? 0))).toBeLessThan(1);
    expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    const age = Date.now() / 1000 - (samples.get("process_start_time_seconds") ?? 0);
    expect(Math.abs(age - process.uptime())).toBeLessThan(5);
    if (process.platform !== "linux") return;
    expect(samples.get("process_open_fds")).toBeGreaterThan(2);
  });

  test.skipIf(withoutPromtool)(`shows what promtool accepts${whySkipped}`, async () => {
    expect(check(await observing(distinctCounters(0), distinctCounters(1)).metrics())).toEqual(
      ACCEPTED,
    );
    expect(check(await new PrometheusCollector().metrics())).toEqual(ACCEPTED);
  });
});

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const)("the ready-made app, %s", (_name, config) => {
  /** Serves, with a client that hears every message that is published. */
  async function start() {
    const resolved = resolveConfig({ ...SMALL, ...config });
    const { app, broadcaster } = createApp({ config: resolved, sources: [emptySource("ticks")] });
    app.listen({ hostname: "127.0.0.1", port: 0 });
    onTestFinished(() => app.stop(true).then(() => undefined));
    const address = `127.0.0.1:${app.server?.port}`;
    const client = await connect(`ws://${address}/stream?channels=ticks`);
    const heard = async (count: number) => {
      for (let n = 0; n < count; n++) broadcaster.publish("ticks", `tick ${n}`);
      await client.take(count);
    };
    return { heard, get: (path: string) => fetch(`http://${address}${path}`) };
  }

  type Get = Awaited<ReturnType<typeof start>>["get"];
  const metricsOf = async (get: Get) => (await get("/metrics")).text();

  test.skipIf(withoutPromtool)(`serves what promtool accepts${whySkipped}`, async () => {
    const { heard, get } = await start();
    await heard(20);
    const response = await get("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(check(await response.text())).toEqual(ACCEPTED);
  });

  test("shows the same values at /metrics and at /stats", async () => {
    const { heard, get } = await start();
    await heard(20);
    // A worker shows its counters once a turn, which may come after the client has the message.
    const settled = async () => {
      for (;;) {
        const stats = (await (await get("/stats")).json()) as ShardStats;
        const deliveries = shardsOf(stats).reduce((sum, shard) => sum + shard.deliveries, 0);
        if (deliveries === 20 && stats.total_clients === 1) return stats;
      }
    };
    const stats = await within(settled(), "the deliveries to be counted");
    const samples = samplesOf(await metricsOf(get));
    for (const [shard, counters] of shardsOf(stats).entries()) {
      const shown = (name: string) => samples.get(`shardcast_${name}{shard="${shard}"}`);
      expect(shown("clients")).toBe(counters.clients);
      expect(shown("messages_total")).toBe(counters.messages);
      expect(shown("deliveries_total")).toBe(counters.deliveries);
      expect(shown("deliveries_expected_total")).toBe(counters.deliveries_expected);
      expect(shown("written_bytes_total")).toBe(counters.bytes_written);
    }
  });

  test("never shows a counter go down", async () => {
    const { heard, get } = await start();
    let before = samplesOf(await metricsOf(get));
    for (let scrape = 0; scrape < 5; scrape++) {
      await heard(10);
      const text = await metricsOf(get);
      const now = samplesOf(text);
      const counters = countersOf(text);
      for (const [series, value] of before) {
        if (!counters.has(series.replace(/\{.*/, ""))) continue;
        expect([series, (now.get(series) ?? Number.NaN) >= value]).toEqual([series, true]);
      }
      before = now;
    }
  });
});
