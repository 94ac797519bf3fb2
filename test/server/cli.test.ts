import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import manifest from "../../package.json";
import type { ConfigKey } from "../../src/config/config";
import { CONFIG_KEYS } from "../../src/config/keys";
import { ConfigError } from "../../src/config/setting";
import { helpText, readOptions, textAskedFor } from "../../src/server/cli";
import { temporaryFile } from "../helpers/temporary-file";

const SERVER = join(import.meta.dir, "../../src/server/main.ts");

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

  test("takes boolean settings that are false by default as --x", () => {
    const flags = ["--per-message-deflate", "--publish-to-self", "--close-on-backpressure-limit"];
    const on = { perMessageDeflate: true, publishToSelf: true, closeOnBackpressureLimit: true };
    expect(readOptions(flags, {})?.config).toMatchObject(on);
  });

  test("takes boolean settings that are true by default as --no-x, and as variables of true or false", () => {
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
    [["--shards", "4"], "unknown flag --shards"],
    [["--num-shard", "4"], "unknown flag --num-shard: did you mean --num-shards?"],
    [["--no-shardin"], "unknown flag --no-shardin: did you mean --no-sharding?"],
    [["--port", "99999"], "--port must be an integer from 0 to 65535, not 99999"],
    [["--num-shards", "0"], "--num-shards must be an integer from 1 to 1024 shards, not 0"],
    [["--num-shards", "four"], 'from 1 to 1024 shards, in decimal digits, not "four"'],
    [["--max-clients", "1e3"], 'in decimal digits, not "1e3"'],
    [["--max-clients", "0x10"], 'in decimal digits, not "0x10"'],
    [["--expected-clients", "-1"], "--expected-clients"],
    [["stray"], "an argument belongs to no flag"],
    [["--api-key", ""], "--api-key must be a non-empty string"],
  ])("names the flag that is wrong: %p", (args, message) => {
    expect(() => readOptions(args, {})).toThrow(ConfigError);
    expect(() => readOptions(args, {})).toThrow(message);
  });

  test.each([
    [
      { SHARDCAST_NUM_SHARDS: "x" },
      "SHARDCAST_NUM_SHARDS must be an integer from 1 to 1024 shards",
    ],
    [{ SHARDCAST_SHARDING: "off" }, 'SHARDCAST_SHARDING must be true or false, not "off"'],
    [{ SHARDCAST_NO_SHARDING: "" }, 'SHARDCAST_NO_SHARDING must be true or false, not ""'],
    [{ SHARDCAST_PORT: "tcp://10.0.0.1:80" }, "SHARDCAST_PORT must be an integer from 0"],
    [{ SHARDCAST_HOST: "0.0.0.0" }, "SHARDCAST_HOST: 0.0.0.0 accepts clients from other machines"],
  ])("names the variable that is wrong: %p", (env, message) => {
    expect(() => readOptions([], env)).toThrow(message);
  });

  test("takes the server's own settings from the config file too", () => {
    const file = temporaryFile("server.json", {
      port: 0,
      host: "0.0.0.0",
      apiKey: "k",
      sources: ["stdin:channel=a"],
      numShards: 2,
    });
    expect(readOptions(["--config", file], {})).toMatchObject({
      port: 0,
      host: "0.0.0.0",
      apiKey: "k",
      sources: ["stdin:channel=a"],
      sourcesName: `sources in ${file}`,
      config: { numShards: 2 },
    });
    const options = readOptions(["--config", file, "--port", "1"], { SHARDCAST_HOST: "127.0.0.1" });
    expect(options).toMatchObject({ port: 1, host: "127.0.0.1" });
  });

  test("takes hosts and origins that are allowed, any number of times", () => {
    const flags = ["--allowed-host", "a.example", "--allowed-host", "*.a.example"];
    const env = { SHARDCAST_ALLOWED_ORIGIN: "https://a.example;http://*.b.example:8080" };
    expect(readOptions(flags, env)).toMatchObject({
      allowedHosts: ["a.example", "*.a.example"],
      allowedOrigins: ["https://a.example", "http://*.b.example:8080"],
    });
  });

  test.each([
    ["--allowed-host", ["http://a.example", "a.example:80", "*", "a.*.example", "a..example", ""]],
    ["--allowed-origin", ["a.example", "*", "https://a.example/", "https://a.*.example", "null"]],
  ])("refuses %s with what can never be one", (flag, values) => {
    for (const value of values) {
      expect(() => readOptions([flag, value], {})).toThrow(`${flag} must be a list of`);
    }
  });

  test("does not repeat a key that is wrong", () => {
    const file = temporaryFile("server.json", { apiKey: 123_456 });
    expect(() => readOptions(["--config", file], {})).toThrow(
      `apiKey in ${file} must be a non-empty string`,
    );
    expect(() => readOptions(["--config", file], {})).not.toThrow("123456");
  });

  test("refuses a host that lets other machines connect, unless there is a key", () => {
    expect(() => readOptions(["--host", "0.0.0.0"], {})).toThrow("--api-key");
    expect(readOptions(["--host", "0.0.0.0", "--api-key", "k"], {})?.apiKey).toBe("k");
    for (const host of ["127.0.0.2", "::1", "localhost"]) {
      expect(readOptions(["--host", host], {})?.host).toBe(host);
    }
  });

  test("explains every key of the configuration", () => {
    for (const { doc } of Object.values(CONFIG_KEYS)) expect(helpText()).toContain(doc);
  });

  test.each([
    ["--help", helpText()],
    ["-h", helpText()],
    ["--version", manifest.version],
    ["-v", manifest.version],
  ])("is answered with a text for %s", (flag, text) => {
    expect(textAskedFor(["--port", "1", flag])).toBe(text);
    expect(textAskedFor(["--port", "1"])).toBeUndefined();
  });

  test("finds its port as Bun does, but for variables of its own", () => {
    const env = { NODE_PORT: "1", PORT: "2", BUN_PORT: "3", SHARDCAST_PORT: "4" };
    expect(readOptions(["--port", "5"], env).port).toBe(5);
    for (const [name, port] of Object.entries(env).toReversed()) {
      expect([name, readOptions([], env).port]).toEqual([name, Number(port)]);
      delete (env as Record<string, string>)[name];
    }
    expect(readOptions([], env).port).toBe(3000);
  });

  test("takes a port from a variable of others before that of a file", () => {
    const file = temporaryFile("server.json", { port: 1 });
    expect(readOptions(["--config", file], { PORT: "2" }).port).toBe(2);
    expect(readOptions(["--config", file], { PORT: "tcp://a" }).port).toBe(1);
  });

  test.each([
    [{ BUN_PORT: "3_000", PORT: "4000" }, /^BUN_PORT must be .* in decimal digits, not "3_000"$/],
    [{ PORT: "3_000" }, /^PORT must be .* in decimal digits, not "3_000"$/],
    [{ PORT: "+3000" }, /^PORT must be .* in decimal digits, not "\+3000"$/],
  ])("refuses a port that Bun takes but that is not in digits: %p", (env, message) => {
    const file = temporaryFile("server.json", { port: 1 });
    for (const args of [[], ["--config", file]]) {
      expect(() => readOptions(args, env)).toThrow(ConfigError);
      expect(() => readOptions(args, env)).toThrow(message);
    }
  });

  test("logs an unknown variable although the options cannot be read", () => {
    const command = [process.execPath, SERVER];
    const env = { SHARDCAST_NUM_SHARD: "8", SHARDCAST_WORKERS_PER_SHARD: "999" };
    const { exitCode, stderr } = Bun.spawnSync(command, { env: { ...process.env, ...env } });
    expect(exitCode).toBe(2);
    expect(String(stderr)).toMatch(
      /did you mean SHARDCAST_NUM_SHARDS\?[\s\S]*SHARDCAST_WORKERS_PER_SHARD must be/,
    );
  });

  test("shows the flag that changes a boolean setting", () => {
    // Of all flags, these are the ones without a value.
    const flags = helpText().match(/(?<=^ {2})--\S+$/gm) ?? [];
    const config = readOptions(flags, {})?.config;
    for (const [key, setting] of Object.entries(CONFIG_KEYS)) {
      if (setting.kind !== "boolean") continue;
      expect([key, config?.[key as ConfigKey]]).toEqual([key, !setting.default]);
    }
  });
});
