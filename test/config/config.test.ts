import { describe, expect, test } from "bun:test";

import { resolveConfig } from "../../src/config/config";
import { CONFIG_KEYS } from "../../src/config/keys";
import { ConfigError } from "../../src/config/setting";

describe("the configuration", () => {
  test("has the reference's defaults", () => {
    expect(resolveConfig()).toMatchObject({
      useSharding: true,
      numShards: 4,
      workersPerShard: 4,
      maxClients: 1000,
      bufferSize: 100,
      dropSlowClients: true,
    });
  });

  test("keeps what is given and fills in the rest", () => {
    const clientId = () => "me";
    const config = resolveConfig({ numShards: 12, bufferSize: undefined, clientId });
    expect(config).toMatchObject({ numShards: 12, bufferSize: 100, clientId });
  });

  test.each([
    [{ numShards: 0 }, "numShards must be an integer from 1 to 1024 shards, not 0"],
    [{ numShards: 1.5 }, "numShards must be an integer from 1 to 1024 shards, not 1.5"],
    [
      { maxClients: "many" },
      'maxClients must be an integer from 1 to 10000000 clients, not "many"',
    ],
    [{ numShards: 1024, workersPerShard: 64 }, "must be at most 4096 threads, not 65536"],
    [{ sendPings: 1 }, "sendPings must be true or false, not 1"],
    [{ clientId: "me" }, 'clientId must be a function, not "me"'],
  ])("names the key, the value and what is allowed: %p", (input, message) => {
    expect(() => resolveConfig(input as never)).toThrow(ConfigError);
    expect(() => resolveConfig(input as never)).toThrow(message);
  });

  test("does not repeat a placementKey that is wrong", () => {
    const placementKey = "0123456789abcdef-secret";
    expect(() => resolveConfig({ placementKey })).toThrow(
      /^placementKey must be 32 hexadecimal digits$/,
    );
  });

  test("refuses unknown keys", () => {
    expect(() => resolveConfig({ shards: 4 } as never)).toThrow(
      "shards is not a configuration key",
    );
  });

  test("accepts each of its own defaults", () => {
    for (const [key, { default: value }] of Object.entries(CONFIG_KEYS)) {
      expect(resolveConfig({ [key]: value })).toHaveProperty(key, value);
    }
  });
});
