/** `bun run server`: the ready-made app, with its sources, until a signal ends it. */

import { ConfigError, describeConfig, endOnSignals, ShardcastError } from "../index";
import { createApp } from "./app";
import { readOptions, type ServerOptions, textAskedFor } from "./cli";
import { type DescribedSource, SourceError } from "./sources/described-source";
import { market } from "./sources/market";
import { parseSources } from "./sources/spec";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As many trades a second as one can read. */
const DEFAULT_MARKET = { channel: "market", rate: 5, seed: 1 };
/** Time beyond the shutdown's own limit before the process is ended. */
const EXIT_GRACE_MS = 500;

function main(): void {
  const args = process.argv.slice(2);
  const text = textAskedFor(args);
  if (text !== undefined) {
    console.log(text);
    return;
  }
  const options = readOptions(args, process.env);
  // Sources are looked at first: a server that listens must not end because one cannot be.
  serve(options, sourcesOf(options));
}

function sourcesOf({ sources, sourcesName, config }: ServerOptions): DescribedSource[] {
  if (sources.length === 0) return [market(DEFAULT_MARKET)];
  return parseSources(sources, config.maxPayloadLength, sourcesName);
}

function serve(options: ServerOptions, sources: DescribedSource[]): void {
  const { host, port, config } = options;
  const { app, broadcaster } = createApp({ ...options, sources });
  app.listen({ hostname: host, port });
  endOnSignals({
    timeoutMs: config.drainTimeoutMs + EXIT_GRACE_MS,
    shutdown: () => broadcaster.shutdown(),
  });
  console.log(`shardcast listens on ${app.server?.url} (${describeConfig(config)})`);
  for (const source of sources) {
    console.log(`streaming ${source.description} on channel ${source.channel}`);
  }
}

try {
  main();
} catch (error) {
  if (error instanceof ConfigError || error instanceof SourceError) {
    console.error(`shardcast: ${error.message}\nTry --help.`);
    process.exit(EXIT_USAGE);
  }
  if (error instanceof ShardcastError) {
    console.error(`shardcast: ${error.message}`);
    process.exit(EXIT_FAILED);
  }
  throw error;
}
