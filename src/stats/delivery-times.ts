/** A histogram of how long messages take. */

/** Times of messages in seconds, by bucket. */
export interface DeliveryTimes {
  /** Upper bounds of the buckets; there is one more, without a bound. */
  bounds: number[];
  /** Messages of each bucket alone. */
  counts: number[];
  /** All times in one sum. */
  sum: number;
}

/** What has come to a histogram since it was `before`. */
export function deliveryTimesSince(
  now: DeliveryTimes | undefined,
  before: DeliveryTimes | undefined,
): DeliveryTimes | undefined {
  if (!now || !before) return now;
  return {
    bounds: now.bounds,
    counts: now.counts.map((count, bucket) => count - (before.counts[bucket] ?? 0)),
    sum: now.sum - before.sum,
  };
}

/**
 * The time that `percent` of the messages did not exceed, in seconds: evenly between the bounds of
 * its bucket, and the last bound for what took longer. Nothing of no messages.
 */
export function deliveryPercentile(times: DeliveryTimes, percent: number): number | undefined {
  const total = times.counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = (total * percent) / 100;
  for (const [bucket, count] of times.counts.entries()) {
    if (left > count || count === 0) {
      left -= count;
      continue;
    }
    const lower = times.bounds[bucket - 1] ?? 0;
    const upper = times.bounds[bucket] ?? lower;
    return lower + (upper - lower) * (left / count);
  }
  return times.bounds.at(-1);
}
