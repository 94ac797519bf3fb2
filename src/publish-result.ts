import { bytesIn } from "./payload";
import { SEND_DROPPED, SEND_WAITS } from "./sharded/constants";

/** The result of publishing one message. */
export interface PublishResult {
  /** Clients that are subscribed to the channel. */
  subscribers: number;
  /** Shards of which every worker with a subscriber accepted the message. */
  shards: number;
  /** Workers that dropped it because their queue was full. */
  dropped: number;
  /** Workers that accepted it with their queue past its soft limit. They deliver it late. */
  saturated: number;
}

/** The result without a subscriber, and of a broadcaster that does not serve. */
export const NO_SUBSCRIBERS: Readonly<PublishResult> = {
  subscribers: 0,
  shards: 0,
  dropped: 0,
  saturated: 0,
};

/**
 * A publish in the terms of Bun's `publish`: 0 when a worker dropped the message or the channel
 * has no subscriber, -1 when it waits in a saturated worker's queue, otherwise the bytes of its
 * payload.
 */
export function sendStatus(result: PublishResult, payload: string | Uint8Array): number {
  if (result.dropped > 0 || result.shards === 0) return SEND_DROPPED;
  if (result.saturated > 0) return SEND_WAITS;
  return bytesIn(payload);
}
