import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../src/config";
import { misfits } from "../src/fitness";

const ENOUGH = { cores: 64, fileLimit: 1_000_000 };

describe("the fitness of a configuration", () => {
  test("is no news while it is good", () => {
    expect(misfits(resolveConfig(), ENOUGH)).toEqual([]);
    expect(misfits(resolveConfig(), { cores: 2 })).toEqual([]);
  });

  test("ends at more than 32 worker threads for a core", () => {
    const config = resolveConfig({ numShards: 12, workersPerShard: 8 });
    expect(misfits(config, { ...ENOUGH, cores: 3 })).toEqual([]);
    expect(misfits(config, { ...ENOUGH, cores: 2 })).toEqual([
      "96 worker threads (12 shards of 8) are too many for 2 cores: " +
        "set numShards times workersPerShard to at most 64",
    ]);
    expect(misfits(config, { ...ENOUGH, cores: 1 })[0]).toContain("for 1 core: set");
  });

  test("ends where the clients of all shards need more files than there may be", () => {
    const config = resolveConfig({ numShards: 2, workersPerShard: 1, maxClients: 500 });
    expect(misfits(config, { ...ENOUGH, fileLimit: 1204 })).toEqual([]);
    expect(misfits(config, { ...ENOUGH, fileLimit: 1024 })).toEqual([
      "1000 clients (2 shards of 500) and the process itself may open 1204 files, and the limit " +
        "is 1024: raise it with ulimit -n 1204, or set numShards times maxClients to at most 820",
    ]);
  });

  test("is no matter without shards", () => {
    const config = resolveConfig({ useSharding: false, numShards: 1024, maxClients: 1_000_000 });
    expect(misfits(config, { cores: 1, fileLimit: 10 })).toEqual([]);
  });
});
