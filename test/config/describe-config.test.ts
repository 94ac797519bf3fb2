import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../../src/config/config";
import { describeConfig } from "../../src/config/describe-config";

describe("the configuration in one line", () => {
  test("is one sentence when everything else is default", () => {
    expect(describeConfig(resolveConfig({ numShards: 2, dropSlowClients: false }))).toBe(
      "2 shards of 4 workers, up to 1000 clients each; slow clients skip messages after 100 " +
        "messages",
    );
    expect(describeConfig(resolveConfig({ useSharding: false }))).toBe(
      "without sharding, on Bun's own publish",
    );
  });

  test("names every key outside the sentence that differs from its default", () => {
    const changed = { idleTimeout: 30, sendPings: false };
    expect(describeConfig(resolveConfig(changed))).toEndWith(
      "messages; idleTimeout 30; sendPings false",
    );
    const placementKey = "0123456789abcdef0123456789ABCDEF";
    expect(describeConfig(resolveConfig({ placementKey }))).toEndWith(
      "messages; placementKey is set",
    );
    expect(describeConfig(resolveConfig({ ...changed, useSharding: false, numShards: 2 }))).toBe(
      "without sharding, on Bun's own publish; idleTimeout 30; sendPings false",
    );
  });
});
