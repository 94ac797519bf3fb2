/** So many standard deviations more than its even share of the clients a shard never gets. */
const DEVIATIONS = 6;

/**
 * The clients that each of so many shards must have room for. More than that would be a promise
 * that this machine's limit of open files cannot keep, and shardcast would say so.
 */
export function roomOf(clients: number, shards: number): number {
  const share = clients / shards;
  const deviation = Math.sqrt(share * (1 - 1 / shards));
  return Math.ceil(share + DEVIATIONS * deviation);
}
