/** The library: everything that an app may import. */

export type {
  Broadcaster,
  BroadcasterState,
  ChannelStats,
  ShutdownOptions,
} from "./broadcaster";
export { BunBroadcaster } from "./bun/bun-broadcaster";
export {
  type ConfigHooks,
  type ResolvedConfig,
  resolveConfig,
  type ShardcastConfig,
} from "./config/config";
export { describeConfig } from "./config/describe-config";
export {
  flagsHelp,
  type LoadedSettings,
  type LoadOptions,
  loadConfig,
  loadSettings,
  type Overrides,
  variableWarnings,
} from "./config/load-config";
export { optimalShards, type RecommendedConfig, recommendedConfig } from "./config/recommend";
export {
  type BooleanSetting,
  ConfigError,
  type EnumSetting,
  type Environment,
  type IntegerSetting,
  type ListSetting,
  type Setting,
  type Settings,
  type StringSetting,
  type ValuesOf,
} from "./config/setting";
export { createBroadcaster, type OwnBroadcaster } from "./create-broadcaster";
export { type ShardcastAdapter, type ShardcastOptions, shardcast } from "./elysia/adapter";
export { defaultPort, PORT_VARIABLES, portVariable } from "./elysia/default-port";
export { ShardcastError, type ShardcastErrorCode } from "./errors";
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "./logging/logger";
export type { MessageData } from "./payload";
export { type EndOnSignalsOptions, endOnSignals } from "./process/shutdown";
export type { PublishResult } from "./publish-result";
export type {
  DeliveryCounts,
  DroppedMessages,
  Reconciliation,
  SlowClient,
} from "./sharded/clients/client-reports";
export {
  DEPARTURE_REASONS,
  type Departure,
  type DepartureReason,
} from "./sharded/clients/departures";
export { ShardcastSocket, type SkipListener } from "./sharded/clients/socket";
export { type MissedMessages, raiseFileLimit } from "./sharded/native";
export { ShardedBroadcaster } from "./sharded/sharded-broadcaster";
export type { Channels } from "./sources/iterables";
export type { Source } from "./sources/source";
export {
  type MetricByReason,
  type ShardFigure,
  STATS_FIGURES,
  type StatsFigure,
  type TotalFigure,
  type WorkerFigure,
} from "./stats/counters";
export {
  type DeliveryTimes,
  deliveryPercentile,
  deliveryTimesSince,
} from "./stats/delivery-times";
export { PrometheusCollector } from "./stats/metrics";
export { type ShardCounters, type ShardStats, shardsOf, type WorkerStats } from "./stats/stats";
export type { StatsCollector, StatsSource } from "./stats/stats-collector";
export { KEY_SUBPROTOCOL_PREFIX } from "./upgrades/subprotocol";
