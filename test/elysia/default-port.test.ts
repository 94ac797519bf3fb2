import { expect, onTestFinished, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FIXTURE = join(import.meta.dir, "../fixtures/default-port.ts");
const { BUN_PORT: _, PORT: __, NODE_PORT: ___, BUN_OPTIONS: ____, ...ENV } = process.env;
/** On Linux each test run has a loopback address, and so all ports, to itself. */
const HOST =
  process.platform === "linux"
    ? `127.83.${(process.pid >> 8) % 256}.${(process.pid % 253) + 1}`
    : "127.0.0.1";

/** How Bun is started, and the port it takes; 0 stands for any. */
const STARTS: [started: string, env: Record<string, string>, args: string[], port: number][] = [
  ["with nothing said", {}, [], 3000],
  ["with PORT", { PORT: "24001" }, [], 24001],
  ["with BUN_PORT before PORT", { BUN_PORT: "24001", PORT: "24002" }, [], 24001],
  ["with NODE_PORT", { NODE_PORT: "24003" }, [], 24003],
  ["with PORT before NODE_PORT", { PORT: "24001", NODE_PORT: "24003" }, [], 24001],
  ["with a flag", {}, ["--port=24004"], 24004],
  ["with a flag in two words", {}, ["--port", "24004"], 24004],
  ["with a flag twice", {}, ["--port=24005", "--port=24004"], 24004],
  ["with a flag among its options", { BUN_OPTIONS: "--port=24004" }, [], 24004],
  ["with a variable before the flag", { NODE_PORT: "24003" }, ["--port=24004"], 24003],
  ["with a variable that is empty", { PORT: "", NODE_PORT: "24003" }, [], 24003],
  ["with a variable that is a word", { PORT: "http", NODE_PORT: "24003" }, [], 24003],
  ["with a variable that is too large", { PORT: "70000", NODE_PORT: "24003" }, [], 24003],
  ["with a variable with a blank", { PORT: " 24001", NODE_PORT: "24003" }, [], 24003],
  ["with a variable in hexadecimal", { PORT: "0x5dc1", NODE_PORT: "24003" }, [], 24003],
  ["with underscores", { PORT: "24_001" }, [], 24001],
  ["with a sign", { PORT: "+24001" }, [], 24001],
];

async function started(env: Record<string, string>, args: string[], cwd = tmpdir()) {
  const command = [process.execPath, ...args, FIXTURE, HOST];
  const child = Bun.spawn(command, { cwd, env: { ...ENV, ...env }, stderr: "inherit" });
  return JSON.parse(await child.stdout.text());
}

test.each(STARTS)("a server without a port finds Bun's, %s", async (_started, env, args, port) => {
  expect(await started(env, args)).toEqual({ bun: port, shards: port });
});

test.each([
  ["[serve]\nport = 24010\n", 24010],
  ["[serve]\nport = 0\n", 3000],
  ["port = 24010\n", 3000],
])("a server without a port finds Bun's, of bunfig.toml: %j", async (text, port) => {
  const directory = await mkdtemp(join(tmpdir(), "shardcast-bunfig-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await Bun.write(join(directory, "bunfig.toml"), text);
  expect(await started({}, [], directory)).toEqual({ bun: port, shards: port });
  const named = [`--config=${join(directory, "bunfig.toml")}`];
  expect(await started({}, named)).toEqual({ bun: port, shards: port });
});
