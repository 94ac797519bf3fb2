import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../../src/config/config";
import { misfits, noFilesToStart } from "../../src/config/fitness";

const ENOUGH = { cores: 64, fileLimit: 1_000_000 };
const HOW =
  "raise it with LimitNOFILE=1204 in a systemd unit, --ulimit nofile=1204 of a container, or " +
  "ulimit -n 1204 in a shell of root";

describe("the fitness of a configuration", () => {
  test("has no warning while it fits", () => {
    expect(misfits(resolveConfig(), ENOUGH)).toEqual([]);
    expect(misfits(resolveConfig(), { ...ENOUGH, cores: 2 })).toEqual([]);
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
      "1000 clients (2 shards of 500) and the process itself may open 1204 files, and the hard " +
        `limit is 1024: ${HOW}, or set numShards times maxClients to at most 820`,
    ]);
    // What leaves no room for a single client is no advice.
    expect(misfits(config, { ...ENOUGH, fileLimit: 204 })[0]).toEndWith(HOW);
  });

  test("has an error where there are too few files for a start", () => {
    const config = resolveConfig({ numShards: 2, workersPerShard: 1, maxClients: 500 });
    expect(noFilesToStart(config, 20)).toBe(
      "the hard limit of 20 open files is too low to start: the process with its worker threads " +
        `may open 204, and 1000 clients one more each: ${HOW}`,
    );
  });
});
