import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import {
  ConfigError,
  loadConfig,
  loadSettings,
  recommendedConfig,
  resolveConfig,
  type Settings,
  variableWarnings,
} from "../../src/index";
import { readOptions } from "../../src/server/cli";
import { SERVER_SETTINGS } from "../../src/server/settings";
import { spyLogger } from "../helpers/spy-logger";
import { temporaryFile } from "../helpers/temporary-file";

/** A file by the name of a config file, that is another. */
function linkTo(target: string): string {
  const directory = mkdtempSync(join(tmpdir(), "shardcast-test-"));
  process.once("exit", () => rmSync(directory, { recursive: true }));
  const link = join(directory, "shardcast.json");
  symlinkSync(target, link);
  return link;
}

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

  test("set boolean settings in both directions", () => {
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

  test("gives way to every key that is given, even in a lower place", () => {
    const file = temporaryFile("shardcast.json", { numShards: 16 });
    const config = loadConfig({ args: ["--expected-clients", "20000"], env: {}, file });
    expect(config).toMatchObject({ numShards: 16, workersPerShard: 8, maxClients: 2000 });
  });
});

const ignored = (name: string, advice = "") =>
  `the variable ${name} is ignored, because no setting has that name${advice}`;

describe("an unknown variable", () => {
  function warningsOf(env: Record<string, string>) {
    const logger = spyLogger();
    loadConfig({ env, overrides: { logger } });
    return logger.lines.map(({ message }) => message);
  }

  test("is logged, with the nearest known name, and without its value", () => {
    const env = { SHARDCAST_TYPO: "sekret", SHARDCAST_NUM_SHARD: "1" };
    expect(warningsOf(env)).toEqual([
      ignored("SHARDCAST_TYPO"),
      ignored("SHARDCAST_NUM_SHARD", ": did you mean SHARDCAST_NUM_SHARDS?"),
    ]);
  });

  test("is not one of another program or of a service", () => {
    const ofService = { SHARDCAST_SERVICE_HOST: "10.0.0.1", SHARDCAST_PORT_80_TCP: "tcp://a" };
    const env = { ...ofService, SHARDCAST_NO_SHARDING: "true", SHARD: "1", PATH: "/bin" };
    expect(warningsOf(env)).toEqual([]);
  });

  test.each(["tcp", "udp", "sctp"])("is not SHARDCAST_PORT of a service with %s", (protocol) => {
    const address = `${protocol}://10.0.0.1:3000`;
    expect(warningsOf({ SHARDCAST_PORT: address })).toEqual([]);
    expect(warningsOf({ SHARDCAST_PORTS: address })).toEqual([ignored("SHARDCAST_PORTS")]);
  });

  test("is logged although the configuration cannot be loaded", () => {
    const logger = spyLogger();
    const env = { SHARDCAST_NUM_SHARD: "8", SHARDCAST_WORKERS_PER_SHARD: "999" };
    const load = () => loadConfig({ env, overrides: { logger } });
    expect(load).toThrow("SHARDCAST_WORKERS_PER_SHARD must be an integer from 1 to 64");
    expect(logger.lines.map(({ message }) => message)).toEqual([
      ignored("SHARDCAST_NUM_SHARD", ": did you mean SHARDCAST_NUM_SHARDS?"),
    ]);
  });

  test("is not one of the app's own settings", () => {
    const env = { SHARDCAST_PORT: "1", SHARDCAST_API_KEY: "k", SHARDCAST_APIKEY: "sekret" };
    expect(variableWarnings(SERVER_SETTINGS, env)).toEqual([
      ignored("SHARDCAST_APIKEY", ": did you mean SHARDCAST_API_KEY?"),
    ]);
    expect(warningsOf({ SHARDCAST_PORT: "1" })).toEqual([ignored("SHARDCAST_PORT")]);
  });
});

describe("the settings of an app", () => {
  const ROOM = {
    room: { kind: "string", default: "lobby", doc: "The room to open." },
    mood: { kind: "enum", choices: ["calm", "loud"], flag: "feeling", doc: "How it sounds." },
  } as const satisfies Settings;

  test("come from the same places as the configuration", () => {
    const file = temporaryFile("shardcast.json", { room: "hall", numShards: 2 });
    const args = ["--feeling", "loud"];
    const { config, settings, nameOf } = loadSettings(ROOM, { args, env: {}, file });
    const mood: "calm" | "loud" | undefined = settings.mood;
    expect([settings.room, mood, config.numShards]).toEqual(["hall", "loud", 2]);
    expect([nameOf("room"), nameOf("mood")]).toEqual([`room in ${file}`, "--feeling"]);
    expect(config).not.toHaveProperty("room");
  });

  test("have their defaults, or are undefined", () => {
    expect(loadSettings(ROOM, { env: {} }).settings).toEqual({ room: "lobby", mood: undefined });
  });

  test("are checked", () => {
    const env = { SHARDCAST_FEELING: "sad" };
    expect(() => loadSettings(ROOM, { env })).toThrow(
      'SHARDCAST_FEELING must be one of calm, loud, not "sad"',
    );
  });

  test("are checked in code too", () => {
    const load = (room: unknown) => loadSettings(ROOM, { overrides: { room } as never, env: {} });
    expect(load("hall").settings.room).toBe("hall");
    expect(() => load(5)).toThrow(ConfigError);
    expect(() => load(5)).toThrow("room must be a non-empty string, not 5");
  });

  test.each(["numShards", "expectedClients", "config", "clientId", "onSkip", "logger"])(
    "cannot have a key of the library: %s",
    (key) => {
      const load = () => loadSettings({ [key]: ROOM.room }, { env: {} });
      expect(load).toThrow(ConfigError);
      expect(load).toThrow(`${key} is a key of the library`);
    },
  );

  test.each<[string, Settings, string]>([
    [
      "a flag of the library",
      { shards: { kind: "string", flag: "num-shards", doc: "" } },
      "shards has the variable SHARDCAST_NUM_SHARDS, as numShards has",
    ],
    [
      "the negated flag of the library",
      { noSharding: { kind: "string", doc: "" } },
      "noSharding has the variable SHARDCAST_NO_SHARDING, as useSharding has",
    ],
    [
      "the flag of another",
      { ...ROOM, feeling: { kind: "boolean", doc: "" } },
      "feeling has the variable SHARDCAST_FEELING, as mood has",
    ],
  ])("cannot have %s", (_what, own, message) => {
    expect(() => loadSettings(own, { env: {} })).toThrow(ConfigError);
    expect(() => loadSettings(own, { env: {} })).toThrow(message);
  });
});

function messagesOf(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...messagesOf(error.cause)] : [];
}

describe("a secret is in no message about", () => {
  const SECRET = "sekretvalue";
  const messageOf = (read: () => unknown): string => {
    try {
      read();
    } catch (error) {
      // Where nothing catches it, its causes are printed too.
      return messagesOf(error).join("\n");
    }
    throw new Error("nothing was wrong");
  };

  test.each([
    ["a.json", `{"apiKey": ${SECRET}}`],
    ["a.json", `{"apiKey": '${SECRET}'}`],
    ["a.json", `{"apiKey": "${SECRET}}`],
    ["a.json", `{"apiKey": "${SECRET}\u0001"}`],
    ["a.json", `{"apiKey": ["${SECRET}"]}`],
    ["a.json", `{"apiKey": {"a": "${SECRET}"}}`],
    ["a.json", `{"apikey": "${SECRET}"}`],
    ["a.json", `"${SECRET}"`],
    ["a.toml", `apiKey = ${SECRET}`],
    ["a.toml", `apiKey = "${SECRET}`],
    ["a.toml", `apiKey = "${SECRET}" ${SECRET}`],
    ["a.toml", `apiKey = ["${SECRET}"]`],
  ])("the file %s: %s", (name, text) => {
    const file = temporaryFile(name, text);
    const message = messageOf(() => readOptions(["--config", file], {}));
    expect(message).toContain(file);
    expect(message).not.toContain(SECRET);
  });

  test.each([
    [["--api-key", "my", SECRET]],
    [[SECRET]],
    [["--apikey", SECRET]],
    [[`--api-keys=${SECRET}`]],
    [["--api-key", "", SECRET]],
  ])("the flags %p", (args) => {
    expect(messageOf(() => readOptions(args, {}))).not.toContain(SECRET);
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
    [
      "a.json",
      '{ "numShards": "4" }',
      "numShards in FILE must be an integer from 1 to 1024 shards",
    ],
    ["a.json", '{ "maxClients": { "a": [1] } }', "from 1 to 10000000 clients, not { a: [ 1 ] }"],
    ["a.json", '{ "sendPings": null }', "sendPings in FILE must be true or false, not null"],
    ["a.toml", "numShards = 2000", "numShards in FILE must be an integer from 1 to 1024 shards,"],
    ["a.toml", "[numShards]\nmin = 1", "not { min: 1 }"],
    ["a.json", '{ "numShard": 4 }', "not a configuration key: did you mean numShards?"],
    ["a.toml", "max_clients = 4", "not a configuration key: did you mean maxClients?"],
    ["a.toml", "a = 1\nnumShards = ", "FILE is not valid TOML: see line 2, column 13"],
    ["a.json", '{\n  "numShards": 4', "FILE is not valid JSON: see line 2, column 17"],
    ["a.json", '{ "a": /* no */ 4 }', "FILE is not valid JSON: see line 1, column 8"],
    ["a.json", "[".repeat(100_000), "FILE is not valid JSON"],
    ["a.json", `"${"x".repeat(2 ** 20)}"`, "FILE has more than 1048576 bytes"],
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
    [linkTo("/dev/zero"), "is not a regular file"],
    [linkTo("/"), "is a directory, not a file"],
  ])("that cannot be read is named: %s", (file, message) => {
    expect(() => loadConfig({ file, env: {} })).toThrow(ConfigError);
    expect(() => loadConfig({ file, env: {} })).toThrow(message);
  });

  test.skipIf(process.platform !== "linux")("that opens but cannot be read is named", () => {
    const file = linkTo("/proc/self/mem");
    expect(() => loadConfig({ file, env: {} })).toThrow(ConfigError);
    expect(() => loadConfig({ file, env: {} })).toThrow(
      `the config file ${file} cannot be read: EIO`,
    );
  });

  test("that is a socket is not a regular file", async () => {
    const file = join(dirname(linkTo("/")), "socket.json");
    const server = createServer().listen(file);
    await once(server, "listening");
    expect(() => loadConfig({ file, env: {} })).toThrow(ConfigError);
    expect(() => loadConfig({ file, env: {} })).toThrow(
      `the config file ${file} is not a regular file`,
    );
    server.close();
  });
});
