import { describe, expect, test } from "bun:test";

import { helpText, readOptions } from "../src/cli";
import { CONFIG_KEYS } from "../src/config";

describe("the command line", () => {
  test("needs nothing", () => {
    expect(readOptions([], {})).toMatchObject({
      host: "127.0.0.1",
      port: 3000,
      sources: [],
      config: { numShards: 4, dropSlowClients: true, useSharding: true },
    });
  });

  test("wins over the environment, which wins over the defaults", () => {
    const env = { SHARDCAST_NUM_SHARDS: "2", SHARDCAST_BUFFER_SIZE: "7" };
    const options = readOptions(["--num-shards", "3"], env);
    expect(options?.config).toMatchObject({ numShards: 3, bufferSize: 7, workersPerShard: 4 });
  });

  test("takes switches as --no-x, and as variables that say true or false", () => {
    const flags = readOptions(["--no-drop-slow-clients", "--no-sharding"], {});
    expect(flags?.config).toMatchObject({ dropSlowClients: false, useSharding: false });
    for (const env of [{ SHARDCAST_SHARDING: "false" }, { SHARDCAST_NO_SHARDING: "true" }]) {
      expect(readOptions([], env)?.config.useSharding).toBe(false);
      expect(readOptions(["--sharding"], env)?.config.useSharding).toBe(true);
    }
  });

  test("takes sources any number of times", () => {
    const flags = ["--source", "stdin:channel=a", "--source", "stdin:channel=b"];
    expect(readOptions(flags, {})?.sources).toEqual(["stdin:channel=a", "stdin:channel=b"]);
    for (const list of ["stdin:channel=a; stdin:channel=b", "stdin:channel=a\nstdin:channel=b\n"]) {
      const { sources } = readOptions([], { SHARDCAST_SOURCE: list }) ?? {};
      expect(sources).toEqual(["stdin:channel=a", "stdin:channel=b"]);
    }
  });

  test.each([
    [["--shards", "4"], "--shards"],
    [["--port", "99999"], "--port (SHARDCAST_PORT) must be a whole number up to 65535"],
    [["--num-shards", "four"], "--num-shards (SHARDCAST_NUM_SHARDS) must be a whole number"],
    [["--num-shards", "0"], "numShards must be a whole number of shards from 1 to 1024, not 0"],
    [["stray"], "stray"],
    [["--api-key", ""], "--api-key (SHARDCAST_API_KEY) must not be empty"],
  ])("names what is wrong: %p", (args, message) => {
    expect(() => readOptions(args, {})).toThrow(message);
  });

  test("refuses a host that lets others in, unless there is a key", () => {
    expect(() => readOptions(["--host", "0.0.0.0"], {})).toThrow("--api-key");
    expect(readOptions(["--host", "0.0.0.0", "--api-key", "k"], {})?.apiKey).toBe("k");
    for (const host of ["127.0.0.2", "::1", "localhost"]) {
      expect(readOptions(["--host", host], {})?.host).toBe(host);
    }
  });

  test("explains every key of the configuration", () => {
    expect(readOptions(["--help"], {})).toBeUndefined();
    for (const { doc } of Object.values(CONFIG_KEYS)) expect(helpText()).toContain(doc);
  });
});
