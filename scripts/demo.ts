/**
 * Shows the server at work: it streams, a few hundred clients listen, some of them too slowly, and the
 * page shows it all. Ctrl-C ends everything.
 *
 *     bun run demo
 *     bun run demo --port 8080     # flags go to the server
 */

import { join } from "node:path";
import type { Subprocess } from "bun";

const ROOT = join(import.meta.dir, "..");
const LOAD_TESTER = join(ROOT, "target/release/load-test");

/** What the server is to show: figures that move, and clients that lag and miss messages. */
const SERVER_FLAGS = [
  ...["--num-shards", "4", "--workers-per-shard", "2", "--no-drop-slow-clients"],
  ...["--source", "synthetic:channel=ticks,rate=200,size=512"],
];
const CLIENT_FLAGS = [
  ...["--clients", "300", "--slow", "2%", "--stall", "1%", "--churn", "2/s"],
  // As long as anyone looks.
  ...["--duration", "7days", "--json"],
];

/** How the server says where it is. */
const LISTENS = /^shardcast listens on (http:\S+)/;
/** For the server to end by itself; it closes its clients over a while. */
const END_TIMEOUT_MS = 15_000;

/** Starts the server and resolves with its address once it listens; nothing if it ends instead. */
async function startServer(flags: readonly string[]) {
  const command = [process.execPath, join(ROOT, "src/server.ts"), ...SERVER_FLAGS, ...flags];
  const server = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of server.stdout) {
    said += decoder.decode(chunk, { stream: true });
    const url = LISTENS.exec(said)?.[1];
    if (url !== undefined && said.includes("\n")) return { server, url };
  }
  return { server, url: undefined };
}

/** Connects the clients. Their report at the end is nobody's. */
function startClients(url: string): Subprocess {
  const stream = new URL("/stream?channels=ticks&id=client-{i}", url);
  stream.protocol = "ws:";
  const command = [LOAD_TESTER, "--url", decodeURI(stream.href), ...CLIENT_FLAGS];
  return Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
}

/** Ends a child and waits until it has, however it takes it. */
async function end(child: Subprocess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  await child.exited;
  clearTimeout(timer);
}

async function main(): Promise<void> {
  let stopping = false;
  const stopped = Promise.withResolvers<void>();
  const stop = () => {
    stopping = true;
    stopped.resolve();
  };
  // A terminal sends Ctrl-C to the children as well: they end in the same order then.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const { server, url } = await startServer(process.argv.slice(2));
  if (url === undefined) process.exit(await server.exited);
  const clients = stopping ? undefined : startClients(url);
  console.log(`shardcast shows itself at ${url} (Ctrl-C ends it)`);
  await Promise.race([stopped.promise, server.exited]);
  if (clients) await end(clients, "SIGKILL");
  await end(server, "SIGTERM");
  process.exit(stopping ? 0 : 1);
}

await main();
