/** The library: everything that an app may import. */

export { type ShardcastAdapter, type ShardcastOptions, shardcast } from "./adapter";
export type { Broadcaster, PublishResult, ShutdownOptions } from "./broadcaster";
export type { SkipListener } from "./clients";
export { ConfigError, type ResolvedConfig, resolveConfig, type ShardcastConfig } from "./config";
export { ShardcastError, type ShardcastErrorCode } from "./errors";
export { PrometheusCollector } from "./metrics";
export { raiseFileLimit } from "./native";
export { OriginalBroadcaster } from "./original";
export type { MessageData } from "./payload";
export { ShardedBroadcaster } from "./sharded";
export { ShardcastSocket } from "./socket";
export type { ShardCounters, ShardStats, WorkerStats } from "./stats";
export type { StatsCollector, StatsSource } from "./stats-collector";
