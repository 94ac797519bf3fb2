import { describe, expect, test } from "bun:test";
import { Verdicts } from "../../src/server/live/verdict";
import type { Departure } from "../../src/sharded/clients/departures";
import { noCounters, type ShardCounters, shardStats } from "../../src/stats/stats";

const WINDOW_MS = 300_000;

/** Judges a server of a hundred clients, with a clock that is moved by hand. */
function judging() {
  const clock = { ms: 0 };
  const verdicts = new Verdicts(() => clock.ms);
  verdicts.begin();
  const after = (ms: number, counts: Partial<ShardCounters>, departures: Departure[] = []) => {
    clock.ms += ms;
    const stats = shardStats([{ ...noCounters(), clients: 100, ...counts }]);
    const { seconds, problems } = verdicts.next({ stats, times: undefined }, departures);
    return { seconds, names: problems.map(({ name }) => name) };
  };
  return { after };
}

function slow(agoMs: number): Departure {
  const place = { id: "a", shard: 0, worker: 0, address: "127.0.0.1" };
  return { ...place, reason: "slow", code: 1013, detail: "", at: new Date(Date.now() - agoMs) };
}

describe("a verdict", () => {
  test("counts clients that were disconnected before anyone watched", () => {
    const disconnected = ["ShardcastClientsDisconnected"];
    expect(judging().after(0, {}, [slow(1000), slow(2000)]).names).toEqual(disconnected);
    expect(judging().after(0, {}, [slow(1000), slow(WINDOW_MS + 1000)]).names).toEqual([]);
  });

  test("shows a problem for ten seconds", () => {
    const { after } = judging();
    const saturated = ["ShardcastWorkerSaturated"];
    expect(after(0, { saturated_workers: 1 }).names).toEqual(saturated);
    expect(after(9000, {}).names).toEqual(saturated);
    expect(after(2000, {}).names).toEqual([]);
  });

  test("looks back for five minutes, and no more", () => {
    const { after } = judging();
    const dropped = { dropped_queue_full: 1 };
    expect(after(0, {}).seconds).toBe(0);
    expect(after(1000, dropped).names).toEqual(["ShardcastDropsForFullQueues"]);
    let last = after(1000, dropped);
    for (let second = 3; second < 400; second += 1) {
      last = after(1000, dropped);
      // The readings stand fifteen seconds apart, and the problem is shown for ten more.
      if (second < 300) expect([second, last.names.length]).toEqual([second, 1]);
      if (second > 327) expect([second, last.names.length]).toEqual([second, 0]);
    }
    expect(last.seconds).toBeWithin(300, 316);
  });
});
