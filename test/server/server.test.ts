import { describe, expect, onTestFinished, test } from "bun:test";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import manifest from "../../package.json";
import { checkout } from "../helpers/checkout";
import { connect, within } from "../helpers/client";
import { temporaryFile } from "../helpers/temporary-file";

const SERVER = join(import.meta.dir, "../../src/server/main.ts");

/** Runs the server in a process of its own, and resolves once it listens. */
function run(...flags: string[]) {
  return runCommand(process.execPath, SERVER, "--port", "0", ...flags);
}

async function runCommand(...command: string[]) {
  const child = Bun.spawn(command, {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, SHARDCAST_NUM_SHARDS: "2", SHARDCAST_WORKERS_PER_SHARD: "1" },
  });
  onTestFinished(() => child.kill("SIGKILL"));
  const { url, line } = await within(listening(child.stdout), "the server to listen");
  return { child, url, first: line, stream: `${url.replace("http", "ws")}stream` };
}

/** The line that says that it listens, and where. */
async function listening(stdout: ReadableStream<Uint8Array>) {
  let text = "";
  for await (const chunk of stdout) {
    text += new TextDecoder().decode(chunk);
    const [line, url] = /.*listens on (\S+).*\n/.exec(text) ?? [];
    if (line && url) return { line, url };
  }
  throw new Error(`the server ended: ${text}`);
}

const both = [
  ["sharded", []],
  ["Bun broadcaster", ["--no-sharding"]],
] as const;

describe.each(both)("the server's process, %s", (_name, flags) => {
  test.each(["SIGTERM", "SIGINT"] as const)("ends in order on %s", async (signal) => {
    const { child, stream } = await run(...flags, "--drain-spread-ms", "20");
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connect(`${stream}?channels=market`)),
    );
    child.kill(signal);
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await within(child.exited, "the end")).toBe(0);
  });

  test("takes the two signals of one Ctrl-C for one", async () => {
    const { child, stream } = await run(...flags);
    const client = await connect(`${stream}?channels=market`);
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(await within(child.exited, "the end")).toBe(0);
  });

  test("ends at once on a second signal", async () => {
    const { child, stream } = await run(...flags, "--drain-spread-ms", "60000");
    // The first client is closed at once: it takes several, on every shard, for a spread to last.
    const urls = Array.from({ length: 8 }, (_, n) => `${stream}?channels=market&id=client-${n}`);
    const clients = await Promise.all(urls.map((url) => connect(url)));
    child.kill("SIGTERM");
    // One that comes too soon after the first counts as the same.
    const insist = setInterval(() => child.kill("SIGTERM"), 50);
    expect(await within(child.exited, "the end")).toBe(1);
    clearInterval(insist);
    for (const client of clients) client.terminate();
  });

  test("publishes the lines of its input, all and in order", async () => {
    const { child, stream } = await run(...flags, "--source", "stdin:channel=lines");
    const client = await connect(`${stream}?channels=lines`);
    const lines = Array.from({ length: 50 }, (_, n) => `line ${n}`);
    child.stdin.write(lines.join("\n"));
    child.stdin.end();
    expect(await client.take(50)).toEqual(lines);
  });

  test("shows the trades of a market when it is given no source", async () => {
    const { stream } = await run(...flags);
    const client = await connect(`${stream}?channels=market`);
    expect(JSON.parse(String(await client.next()))).toHaveProperty("symbol");
  });

  test("reports that its port is taken", async () => {
    const { url } = await run(...flags);
    const { port } = new URL(url);
    expect(refusal(process.execPath, SERVER, "--port", port, ...flags)).toEqual({
      exitCode: 1,
      stdout: "",
      stderr:
        `shardcast: cannot listen on 127.0.0.1:${port}: the port is in use. ` +
        "End the program that listens there, or choose another port\n",
    });
  });
});

/** What a server says that does not come to listen. */
function refusal(...command: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Put before a command, it runs with this limit of open files, which it cannot raise itself. */
function withFiles(limit: number): string[] {
  return ["sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh"];
}

test.each([
  [["--num-shards", "0"], "--num-shards must be"],
  [["--config", "/missing.toml"], "the config file /missing.toml does not exist"],
  [["--source", "replay:file=/missing.ndjson,channel=a,rate=1"], "/missing.ndjson does not exist"],
])("a start with %p ends before it listens, with exit code 2", (flags, message) => {
  const { exitCode, stdout, stderr } = refusal(process.execPath, SERVER, ...flags);
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(message);
});

describe("a start that fails prints what to do in one line, and ends with exit code 1", () => {
  /** A line on standard error, and nothing else. */
  function complaint(...command: string[]): string {
    const { stderr, ...rest } = refusal(...command);
    expect(rest).toEqual({ exitCode: 1, stdout: "" });
    const [line, ...others] = stderr.trimEnd().split("\n");
    expect(others).toEqual([]);
    return String(line);
  }

  // The first lacks descriptors for its workers, the second for what comes after them.
  test.each([24, 36])("with no more than %p files", (limit) => {
    const flags = ["--port", "0", "--num-shards", "4", "--workers-per-shard", "4"];
    expect(complaint(...withFiles(limit), process.execPath, SERVER, ...flags)).toStartWith(
      `shardcast: the hard limit of ${limit} open files is too low to start: the process with its ` +
        "worker threads may open 232, and 4000 clients one more each: raise it with LimitNOFILE=4232",
    );
  });

  test("without the addon", async () => {
    const server = await checkout();
    expect(complaint(process.execPath, server)).toStartWith(
      "shardcast: the native addon is not built: run `bun install && bun run build` in a clone",
    );
  });

  test("with an addon for another platform", async () => {
    const server = await checkout({ "native/shardcast.plan9-mips.node": "" });
    const here = `${process.platform}-${process.arch}`;
    expect(complaint(process.execPath, server)).toStartWith(
      `shardcast: the native addon is built for plan9-mips, and this is ${here}: run`,
    );
  });

  test("with too old a Bun", async () => {
    const wanted = { ...manifest, engines: { bun: ">=99.0.0" } };
    const server = await checkout({ "package.json": JSON.stringify(wanted) });
    expect(complaint(process.execPath, server)).toStartWith(
      `shardcast: Bun >=99.0.0 is required, but this is Bun ${Bun.version}: update it with`,
    );
  });
});

describe("the server's first lines", () => {
  /** The warnings that a server logs until it is stopped. */
  async function warnings({ child }: Awaited<ReturnType<typeof run>>): Promise<string[]> {
    const stderr = new Response(child.stderr).text();
    child.kill("SIGTERM");
    const lines = (await within(stderr, "the end of what it says")).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line).msg);
  }

  test("are the effective configuration, wherever it comes from", async () => {
    const config = temporaryFile("shardcast.toml", "idleTimeout = 30\nmaxClients = 7");
    const server = await run("--config", config, "--expected-clients", "20000");
    expect(server.first).toContain("(2 shards of 1 workers, up to 7 clients each; slow clients");
    expect(server.first).toContain("after 256 messages; idleTimeout 30)");
    expect(await warnings(server)).toEqual([]);
  });

  test("warn of more threads than the cores can run and of more clients than files", async () => {
    const shards = Math.ceil(availableParallelism() / 2) + 1;
    const workers = ["--num-shards", String(shards), "--workers-per-shard", "64"];
    const flags = ["--port", "0", ...workers, "--max-clients", "4000"];
    const server = await runCommand(...withFiles(4000), process.execPath, SERVER, ...flags);
    const [threads, files, ...others] = await warnings(server);
    expect(threads).toStartWith(`${shards * 64} worker threads (${shards} shards of 64)`);
    expect(files).toStartWith(`${shards * 4000} clients (${shards} shards of 4000)`);
    expect(files).toContain("the hard limit is 4000: raise it with LimitNOFILE=");
    expect(others).toEqual([]);
  });
});
