import type { Broadcaster } from "./broadcaster";
import { BunBroadcaster } from "./bun/bun-broadcaster";
import { resolveConfig, type ShardcastConfig } from "./config/config";
import { ShardcastError } from "./errors";
import { bunProblem } from "./process/bun-version";
import { ShardedBroadcaster } from "./sharded/sharded-broadcaster";
import { type Channels, sourcesOf } from "./sources/iterables";
import type { Source } from "./sources/source";
import type { StatsCollector } from "./stats/stats-collector";

/** The two implementations, between which `useSharding` chooses. */
export type OwnBroadcaster = ShardedBroadcaster | BunBroadcaster;

/**
 * Makes a broadcaster for `shardcast`. It serves when an app listens with it.
 *
 * @param config `useSharding` chooses between native threads and Bun's own publish
 * @param channels sources that it publishes while it serves: iterables by channel, or `Source`s
 * @param statsCollector gets the broadcaster, to read its statistics
 * @throws ConfigError for an invalid config, TypeError for invalid channels, ShardcastError
 *   `BUN_TOO_OLD`
 *
 * @example
 * ```ts
 * const broadcaster = createBroadcaster(recommendedConfig(20_000), { ticks: exchange.ticks() });
 * new Elysia({ adapter: shardcast(broadcaster) })
 *   .ws("/", { open(ws) { ws.subscribe("ticks") } })
 *   .listen(3000);
 * ```
 */
export function createBroadcaster(
  config: ShardcastConfig = {},
  channels: Channels | readonly Source[] = {},
  statsCollector?: StatsCollector,
): OwnBroadcaster {
  const problem = bunProblem();
  if (problem) throw new ShardcastError("BUN_TOO_OLD", problem);
  const { useSharding } = resolveConfig(config);
  const sources = sourcesOf(channels);
  const broadcaster: OwnBroadcaster & Broadcaster = useSharding
    ? new ShardedBroadcaster(config, sources)
    : new BunBroadcaster(config, sources);
  statsCollector?.observe(broadcaster);
  return broadcaster;
}
