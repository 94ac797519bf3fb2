/** Which configuration suits how many clients. */

import { MAX_WORKERS } from "../sharded/constants";
import type { ResolvedConfig } from "./config";
import { ConfigError } from "./setting";

/** The keys that depend on the number of clients. All others keep their defaults. */
export type RecommendedConfig = Pick<
  ResolvedConfig,
  "useSharding" | "numShards" | "workersPerShard" | "maxClients" | "bufferSize"
>;

/** More than one machine holds: a number past it is a mistake. */
export const MAX_EXPECTED_CLIENTS = 10_000_000;

/** From how many clients on a row holds. From the last one on, the shards grow with the clients. */
const ROWS = [
  { from: 10_000, useSharding: true, minShards: 8, workersPerShard: 8, bufferSize: 256 },
  { from: 5_000, useSharding: true, minShards: 4, workersPerShard: 6, bufferSize: 100 },
  { from: 1_000, useSharding: true, minShards: 2, workersPerShard: 4, bufferSize: 100 },
  { from: 0, useSharding: false, minShards: 1, workersPerShard: 4, bufferSize: 100 },
] as const;
const HEAVY = ROWS[0];

/** A hash fills shards unevenly: the fullest must hold its clients too. */
const HEADROOM_PERCENT = 120;
/** Fewer clients are not worth a shard, and more make its every turn long. */
const CLIENTS_PER_SHARD = { min: 1000, max: 2000 };
/** Limits are rounded up to this, for people to read. */
const ROUND_TO = 100;

/**
 * The number of shards for a number of clients: 1 below 1,000, where the Bun broadcaster is enough,
 * then 2, from 5,000 on 4, and from 10,000 on 8, or enough for at most 2,000 clients each.
 *
 * @throws ConfigError if it is not an integer from 0 to 10,000,000
 */
export function optimalShards(expectedClients: number): number {
  const { from, minShards, workersPerShard } = rowOf(expectedClients);
  if (from < HEAVY.from) return minShards;
  const needed = Math.ceil(withHeadroom(expectedClients) / CLIENTS_PER_SHARD.max);
  // Past the limit of threads it is the shards that grow, and not their number.
  const affordable = Math.floor(MAX_WORKERS / workersPerShard);
  return Math.min(Math.max(minShards, needed), affordable);
}

/**
 * The configuration for a number of clients. All shards together have room for a fifth more.
 *
 * @throws ConfigError if it is not an integer from 0 to 10,000,000
 *
 * @example
 * ```ts
 * const adapter = shardcast({ ...recommendedConfig(20_000), dropSlowClients: false });
 * ```
 */
export function recommendedConfig(expectedClients: number): RecommendedConfig {
  const { useSharding, workersPerShard, bufferSize } = rowOf(expectedClients);
  const numShards = optimalShards(expectedClients);
  const share = withHeadroom(expectedClients) / numShards;
  const maxClients = Math.max(CLIENTS_PER_SHARD.min, Math.ceil(share / ROUND_TO) * ROUND_TO);
  return { useSharding, numShards, workersPerShard, maxClients, bufferSize };
}

function rowOf(expectedClients: number) {
  const row = ROWS.find(({ from }) => expectedClients >= from);
  if (row && Number.isInteger(expectedClients) && expectedClients <= MAX_EXPECTED_CLIENTS) {
    return row;
  }
  throw new ConfigError(
    `expectedClients must be an integer from 0 to ${MAX_EXPECTED_CLIENTS} clients, ` +
      `not ${expectedClients}`,
  );
}

/** In percent, because 1.2 is not exact in binary. */
function withHeadroom(clients: number): number {
  return (clients * HEADROOM_PERCENT) / 100;
}
