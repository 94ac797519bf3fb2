/** `bun run server`: the ready-made app, with its sources, until a signal ends it. */

import { createApp } from "./app";
import { helpText, readOptions, type ServerOptions } from "./cli";
import { ConfigError, raiseFileLimit, ShardcastError } from "./index";
import { endOnSignals } from "./shutdown";
import { feed } from "./sources/feed";
import { flights } from "./sources/flights";
import { type Source, SourceError } from "./sources/source";
import { parseSources } from "./sources/spec";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Time beyond the shutdown's own limit before the process is ended. */
const EXIT_GRACE_MS = 500;

function main(): void {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(helpText());
    return;
  }
  if (options.config.useSharding) raiseFileLimit();
  serve(options, sourcesOf(options));
}

function sourcesOf({ sources, sourcesName, config }: ServerOptions): Source[] {
  if (sources.length === 0) return [flights()];
  return parseSources(sources, config.maxPayloadLength, sourcesName);
}

function serve({ host, port, apiKey, config }: ServerOptions, sources: Source[]): void {
  const channels = [...new Set(sources.map((source) => source.channel))];
  const { app, adapter } = createApp({ config, apiKey, channels });
  app.listen({ hostname: host, port });
  const { broadcaster } = adapter;
  const feeding = new AbortController();
  endOnSignals({
    timeoutMs: config.drainTimeoutMs + EXIT_GRACE_MS,
    shutdown: () => {
      feeding.abort();
      return broadcaster.shutdown();
    },
  });
  console.log(`shardcast listens on ${app.server?.url} (${describe(config)})`);
  for (const source of sources) {
    console.log(`streaming ${source.description} on channel ${source.channel}`);
    feed(source, broadcaster, feeding.signal).catch((error) => {
      console.error(
        `shardcast: the source of channel ${source.channel} has failed: ${error.message}`,
      );
    });
  }
}

function describe({ useSharding, ...config }: ServerOptions["config"]): string {
  if (!useSharding) return "without sharding, on Bun's own publish";
  const { numShards, workersPerShard, maxClients, bufferSize, dropSlowClients } = config;
  const policy = dropSlowClients ? "disconnected" : "skipped ahead";
  return (
    `${numShards} shards of ${workersPerShard} workers, up to ${maxClients} clients each; ` +
    `slow clients are ${policy} after ${bufferSize} messages`
  );
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
