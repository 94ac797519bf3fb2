import { describe, expect, test } from "bun:test";

import { ConfigError, loadConfig, recommendedConfig, resolveConfig } from "../src";
import { temporaryFile } from "./temporary-file";

describe("the places of the configuration", () => {
  test("win one over the next, key by key: code, flags, variables, file, defaults", () => {
    const config = loadConfig({
      overrides: { numShards: 1, bufferSize: undefined },
      args: ["--num-shards", "2", "--workers-per-shard", "2"],
      env: {
        SHARDCAST_NUM_SHARDS: "3",
        SHARDCAST_WORKERS_PER_SHARD: "3",
        SHARDCAST_MAX_CLIENTS: "3",
      },
      file: temporaryFile("shardcast.json", {
        numShards: 4,
        workersPerShard: 5,
        maxClients: 4,
        bufferSize: 4,
      }),
    });
    const expected = { numShards: 1, workersPerShard: 2, maxClients: 3, bufferSize: 4 };
    expect(config).toEqual(resolveConfig(expected));
  });

  test("may all be empty", () => {
    expect(loadConfig({ env: {} })).toEqual(resolveConfig());
  });

  test("decide on switches in both directions", () => {
    const file = temporaryFile("shardcast.toml", "useSharding = false\nsendPings = false");
    const places = {
      file,
      args: ["--send-pings"],
      env: { SHARDCAST_NO_DROP_SLOW_CLIENTS: "true" },
    };
    const expected = { useSharding: false, sendPings: true, dropSlowClients: false };
    expect(loadConfig(places)).toMatchObject(expected);
  });

  test("name the config file by the same precedence", () => {
    const [code, flag, variable] = [1, 2, 3].map((numShards) =>
      temporaryFile("shardcast.json", { numShards }),
    );
    const env = { SHARDCAST_CONFIG: variable };
    const args = ["--config", flag ?? ""];
    expect(loadConfig({ env })).toHaveProperty("numShards", 3);
    expect(loadConfig({ env, args })).toHaveProperty("numShards", 2);
    expect(loadConfig({ env, args, file: code ?? "" })).toHaveProperty("numShards", 1);
  });

  test("take functions from code", () => {
    const clientId = () => "me";
    expect(loadConfig({ overrides: { clientId }, env: {} })).toHaveProperty("clientId", clientId);
    expect(() => loadConfig({ overrides: { shards: 4 } as never, env: {} })).toThrow(
      "shards is not a configuration key",
    );
  });

  test("name a product by the places of both its factors", () => {
    const file = temporaryFile("shardcast.toml", "workersPerShard = 64");
    expect(() => loadConfig({ args: ["--num-shards", "1000"], env: {}, file })).toThrow(
      `--num-shards times workersPerShard in ${file} must be at most 4096 threads, not 64000`,
    );
  });
});

describe("the number of expected clients", () => {
  test("takes the place of the defaults, from anywhere", () => {
    const expected = resolveConfig(recommendedConfig(20_000));
    const file = temporaryFile("shardcast.toml", "expectedClients = 20_000");
    expect(loadConfig({ file, env: {} })).toEqual(expected);
    expect(loadConfig({ env: { SHARDCAST_EXPECTED_CLIENTS: "20000" } })).toEqual(expected);
    expect(loadConfig({ args: ["--expected-clients", "20000"], env: {} })).toEqual(expected);
    expect(loadConfig({ overrides: { expectedClients: 20_000 }, env: {} })).toEqual(expected);
  });

  test("gives way to every key that is said, even in a lower place", () => {
    const file = temporaryFile("shardcast.json", { numShards: 16 });
    const config = loadConfig({ args: ["--expected-clients", "20000"], env: {}, file });
    expect(config).toMatchObject({ numShards: 16, workersPerShard: 8, maxClients: 2000 });
  });
});

describe("a config file", () => {
  const content = { numShards: 2, dropSlowClients: false };

  test.each([
    ["shardcast.json", JSON.stringify(content)],
    ["shardcast.toml", "# Few.\nnumShards = 2\ndropSlowClients = false\n"],
    ["SHARDCAST.TOML", "numShards = 2\ndropSlowClients = false\n"],
  ])("is read by its extension: %s", (name, text) => {
    const config = loadConfig({ file: temporaryFile(name, text), env: {} });
    expect(config).toEqual(resolveConfig(content));
  });

  test.each([
    ["a.json", '{ "shards": 4 }', "shards in FILE is not a configuration key; there are: expected"],
    ["a.json", '{ "__proto__": 4 }', "__proto__ in FILE is not a configuration key"],
    ["a.json", '{ "config": "b.json" }', "config in FILE is not a configuration key"],
    ["a.json", '{ "numShards": "4" }', "numShards in FILE must be a whole number of shards from 1"],
    ["a.json", '{ "maxClients": { "a": [1] } }', "from 1 to 10000000, not { a: [ 1 ] }"],
    ["a.json", '{ "sendPings": null }', "sendPings in FILE must be true or false, not null"],
    ["a.toml", "numShards = 2000", "numShards in FILE must be a whole number of shards from 1 to"],
    ["a.toml", "[numShards]\nmin = 1", "not { min: 1 }"],
    ["a.toml", "numShards = ", "the config file FILE cannot be read: TOML Parse error"],
    ["a.json", '{ "numShards": 4', "the config file FILE cannot be read: JSON Parse error"],
    ["a.json", "[4]", "the config file FILE must hold an object of keys and values"],
    ["a.json", "null", "the config file FILE must hold an object of keys and values"],
    ["a.yaml", "numShards: 4", "the config file must end with .json or .toml, not FILE"],
  ])("is named with what is wrong: %s %s", (name, text, message) => {
    const file = temporaryFile(name, text);
    expect(() => loadConfig({ file, env: {} })).toThrow(ConfigError);
    expect(() => loadConfig({ file, env: {} })).toThrow(message.replace("FILE", file));
  });

  test("is wrong even where a higher place wins", () => {
    const file = temporaryFile("shardcast.json", { numShards: 0 });
    expect(() => loadConfig({ args: ["--num-shards", "2"], env: {}, file })).toThrow(file);
  });

  test.each([
    ["/missing.json", "the config file /missing.json does not exist"],
    ["/dev/null/a.json", "the config file /dev/null/a.json does not exist"],
  ])("that cannot be read is named: %s", (file, message) => {
    expect(() => loadConfig({ file, env: {} })).toThrow(message);
  });
});
