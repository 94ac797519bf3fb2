import { setImmediate as nextTurn } from "node:timers/promises";

import type { Broadcaster } from "../broadcaster";
import type { Source } from "./source";

/** Fullness of a queue above which a source that can wait is kept waiting. */
const HIGH_WATER = 0.75;
/** How long a source may publish before all else that waits for the thread has its turn. */
const MAX_TURN_MS = 2;

/** What feeding needs of a broadcaster. */
export type Sink = Pick<Broadcaster, "publish" | "queueLoad" | "writable">;

/**
 * Publishes what a source brings, until it ends or `signal` is aborted.
 *
 * A source that always has a message ready, such as a fast pipe, never lets go of the thread by
 * itself: nobody would be answered any more, and no signal heard. So turns are taken here, for all.
 *
 * @throws what the source throws
 */
export async function feed(source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  let turnStartedAt = performance.now();
  for await (const message of source.messages()) {
    if (source.canWait && sink.queueLoad() > HIGH_WATER) await sink.writable();
    if (signal.aborted) return;
    sink.publish(source.channel, message);
    // After the publish: a message that carries its time must not age here.
    if (performance.now() - turnStartedAt < MAX_TURN_MS) continue;
    await nextTurn();
    turnStartedAt = performance.now();
  }
}
