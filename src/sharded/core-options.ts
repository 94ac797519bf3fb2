import type { ResolvedConfig } from "../config/config";
import type { CoreOptions } from "./native";

/** What the core takes of the configuration. */
export function coreOptions(config: ResolvedConfig): CoreOptions {
  return {
    numShards: config.numShards,
    workersPerShard: config.workersPerShard,
    ...(config.placementKey !== "" && { placementKey: config.placementKey }),
    maxClients: config.maxClients,
    bufferSize: config.bufferSize,
    bufferBytes: config.bufferBytes,
    dropSlowClients: config.dropSlowClients,
    maxPayloadLength: config.maxPayloadLength,
    maxIncompleteBytes: config.maxIncompleteBytes,
    messageTimeoutMs: config.messageTimeoutMs,
    // 0 is no limit, as with Bun.
    backpressureLimit: config.backpressureLimit || Number.MAX_SAFE_INTEGER,
    closeOnBackpressureLimit: config.closeOnBackpressureLimit,
    idleTimeoutSeconds: config.idleTimeout,
    sendPings: config.sendPings,
    queueMessages: config.queueMessages,
    queueBytes: config.queueBytes,
    saturationPercent: config.saturationPercent,
    workerNiceness: config.workerNiceness,
    compressionThreshold: config.compressionThreshold,
    maxChannelsPerClient: config.maxChannelsPerClient,
  };
}
