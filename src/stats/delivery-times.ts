/** A histogram of how long messages take. */

/** A histogram of delivery times, in seconds. */
export interface DeliveryTimes {
  /** Upper bounds of the buckets; there is one more, without a bound. */
  bounds: number[];
  /** Messages in each bucket, not cumulative. */
  counts: number[];
  /** The sum of all times. */
  sum: number;
}

/** The difference between a histogram and an earlier state of it, `before`. */
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
 * The time in seconds that `percent` of the messages did not exceed, interpolated within its
 * bucket; the last bound for longer times. Undefined without messages.
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
