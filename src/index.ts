/** The library: everything that an app may import. */

export { type ShardcastAdapter, type ShardcastOptions, shardcast } from "./adapter";
export type {
  Broadcaster,
  BroadcasterState,
  ChannelStats,
  PublishResult,
  ShutdownOptions,
} from "./broadcaster";
export type { SkipListener } from "./clients";
export {
  ConfigError,
  type ConfigHooks,
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
} from "./config";
export { createBroadcaster, type OwnBroadcaster } from "./create-broadcaster";
export type { DeliveryTimes } from "./delivery-times";
export type { Departure, DepartureReason } from "./departures";
export { ShardcastError, type ShardcastErrorCode } from "./errors";
export { type ConfigPlaces, loadConfig, type Overrides } from "./load-config";
export { createLogger, type Logger, type LogLevel } from "./logger";
export { PrometheusCollector } from "./metrics";
export { type MissedMessages, raiseFileLimit } from "./native";
export { OriginalBroadcaster } from "./original";
export type { MessageData } from "./payload";
export { optimalShards, type RecommendedConfig, recommendedConfig } from "./recommend";
export type { Account, Audit, DroppedMessages, SlowClient } from "./reports";
export { ShardedBroadcaster } from "./sharded";
export { type EndOnSignalsOptions, endOnSignals } from "./shutdown";
export { ShardcastSocket } from "./socket";
export type { Channels } from "./sources/iterables";
export type { ShardCounters, ShardStats, WorkerStats } from "./stats";
export type { StatsCollector, StatsSource } from "./stats-collector";
