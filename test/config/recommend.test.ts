import { describe, expect, test } from "bun:test";

import {
  ConfigError,
  optimalShards,
  recommendedConfig,
  resolveConfig,
  shardcast,
} from "../../src/index";
import { randomNumbers } from "../helpers/random";

function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Every row, its edges, and numbers from all over the range. */
function manyExpectations(): number[] {
  const random = randomNumbers(20_000);
  const edges = [0, 1, 999, 1000, 4999, 5000, 9999, 10_000, 20_000, 10_000_000];
  return [...edges, ...Array.from({ length: 2000 }, () => Math.floor(10 ** (random() * 7)))];
}

describe("the recommended configuration", () => {
  const light = { useSharding: true, numShards: 2, workersPerShard: 4, bufferSize: 100 };
  const medium = { useSharding: true, numShards: 4, workersPerShard: 6, bufferSize: 100 };
  const heavy = { useSharding: true, workersPerShard: 8, bufferSize: 256 };

  test.each([
    [0, { useSharding: false, numShards: 1, maxClients: 1000 }],
    [999, { useSharding: false, numShards: 1, maxClients: 1200 }],
    [1000, { ...light, maxClients: 1000 }],
    [4999, { ...light, maxClients: 3000 }],
    [5000, { ...medium, maxClients: 1500 }],
    [9999, { ...medium, maxClients: 3000 }],
    [10_000, { ...heavy, numShards: 8, maxClients: 1500 }],
    [20_000, { ...heavy, numShards: 12, maxClients: 2000 }],
    // 4,096 threads are all that there may be: from here on the shards are what grows.
    [1_000_000, { ...heavy, numShards: 512, maxClients: 2400 }],
  ])("for %d clients", (expectedClients, row) => {
    expect(recommendedConfig(expectedClients)).toMatchObject(row);
    expect(optimalShards(expectedClients)).toBe(row.numShards);
  });

  test("is accepted, and has room for a tenth more than expected", () => {
    for (const expectedClients of manyExpectations()) {
      const recommended = recommendedConfig(expectedClients);
      const { numShards, maxClients } = resolveConfig(recommended);
      expect(numShards).toBe(optimalShards(expectedClients));
      expect(numShards * maxClients).toBeGreaterThanOrEqual(expectedClients * 1.1);
      expect(() => shardcast(recommended)).not.toThrow();
    }
  });

  test("never has fewer shards for more clients", () => {
    const shards = manyExpectations()
      .sort((a, b) => a - b)
      .map(optimalShards);
    expect(shards).toEqual(shards.toSorted((a, b) => a - b));
  });

  test.each([1000, 5000, 10_000, 20_000, 100_000])("has room in the fullest shard, of %d", (n) => {
    const { numShards, maxClients } = recommendedConfig(n);
    const random = randomNumbers(n);
    const clients = new Array<number>(numShards).fill(0);
    for (let client = 0; client < n; client += 1) {
      const shard = fnv1a32(random().toString(36)) % numShards;
      clients[shard] = (clients[shard] ?? 0) + 1;
    }
    expect(Math.max(...clients)).toBeLessThanOrEqual(maxClients);
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 10_000_001])("refuses %d", (n) => {
    for (const of of [optimalShards, recommendedConfig]) {
      expect(() => of(n)).toThrow(ConfigError);
      expect(() => of(n)).toThrow(`expectedClients must be an integer from 0 to`);
      expect(() => of(n)).toThrow(`not ${n}`);
    }
  });
});
