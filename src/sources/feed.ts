import type { Broadcaster } from "../broadcaster";
import type { Source } from "./source";

/** Fullness of a queue above which a source that can wait is kept waiting. */
const HIGH_WATER = 0.75;

/** What feeding needs of a broadcaster. */
export type Sink = Pick<Broadcaster, "publish" | "queueLoad" | "writable">;

/**
 * Publishes what a source brings, until it ends or `signal` is aborted.
 *
 * @throws what the source throws
 */
export async function feed(source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  for await (const message of source.messages()) {
    if (source.canWait && sink.queueLoad() > HIGH_WATER) await sink.writable();
    if (signal.aborted) return;
    sink.publish(source.channel, message);
  }
}
