/**
 * Shows the server at work: it streams, a few hundred clients listen, some of them too slowly, and
 * the page shows it all. Ctrl-C ends everything.
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
  // Room for the clients, and no more files than any system gives without being asked.
  ...["--num-shards", "4", "--workers-per-shard", "2", "--max-clients", "200"],
  // Those that lag stay, and take too little for their pings to come through.
  ...["--no-drop-slow-clients", "--idle-timeout", "0"],
  ...["--source", "market:channel=market,rate=200"],
  // Enough to fill the buffers of the system within seconds, which hide a slow client until then.
  ...["--source", "synthetic:channel=bulk,rate=100,size=16384"],
];
/** Most clients keep up, and come and go. */
const CROWD = ["--clients", "290", "--churn", "2/s"];
/** Some read too slowly what is too much for them, or not at all. */
const LAGGARDS = ["--clients", "10", "--slow", "7", "--stall", "3"];
/** Until Ctrl-C. */
const FOR_EVER = ["--duration", "7days"];

/** The line with the address of the server. */
const LISTENS = /^shardcast listens on (http:\S+)/;
/** For the server to end by itself; it closes its clients over a while. */
const END_TIMEOUT_MS = 15_000;

/** A terminal sends Ctrl-C to its whole process group, and here the order of the ends matters. */
const APART = { detached: true, stdin: "ignore", stderr: "inherit" } as const;

/** Starts the server and resolves with its address once it listens; nothing if it ends instead. */
async function startServer(flags: readonly string[]) {
  const command = [process.execPath, join(ROOT, "src/server/main.ts"), ...SERVER_FLAGS, ...flags];
  const server = Bun.spawn(command, { ...APART, stdout: "pipe" });
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of server.stdout) {
    output += decoder.decode(chunk, { stream: true });
    const url = LISTENS.exec(output)?.[1];
    if (url !== undefined && output.includes("\n")) return { server, url };
  }
  return { server, url: undefined };
}

/** Connects clients to a channel. Their report at the end is not shown. */
function startClients(url: string, channel: string, flags: readonly string[]): Subprocess {
  const stream = `${url.replace("http", "ws")}stream?channels=${channel}&id=${channel}-{i}`;
  const command = [LOAD_TESTER, "--url", stream, ...flags, ...FOR_EVER];
  return Bun.spawn(command, { ...APART, stdout: "ignore" });
}

/** Ends a child and waits until it has, by force if need be. */
async function end(child: Subprocess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT_MS);
  await child.exited;
  clearTimeout(timer);
}

async function main(): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stopped.resolve());
  }
  const { server, url } = await startServer(process.argv.slice(2));
  if (url === undefined) process.exit(await server.exited);
  const clients = [startClients(url, "market", CROWD), startClients(url, "bulk", LAGGARDS)];
  console.log(`shardcast shows itself at ${url} (Ctrl-C ends it)`);
  // None of them ends by itself but for a fault, without which there is nothing to show.
  const failed = Promise.race([server, ...clients].map((child) => child.exited)).then(() => true);
  const hasFailed = await Promise.race([stopped.promise, failed]);
  if (hasFailed) console.error("shardcast: the server or its clients have ended: so does the demo");
  await Promise.all(clients.map((child) => end(child, "SIGKILL")));
  await end(server, "SIGTERM");
  process.exit(hasFailed ? 1 : 0);
}

await main();
