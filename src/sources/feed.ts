import { setImmediate as nextTurn } from "node:timers/promises";

import type { Broadcaster } from "../broadcaster";
import type { Source } from "./source";

/** How long a source may publish before all else that waits for the thread has its turn. */
const MAX_TURN_MS = 2;
/** How many messages it may publish meanwhile: the clock of a test may stand still. */
const MAX_TURN_MESSAGES = 4096;

/** What feeding needs of a broadcaster. */
export type Sink = Pick<Broadcaster, "publish" | "saturated" | "writable">;

/**
 * Publishes what a source brings, until it ends or `signal` is aborted.
 *
 * A source that always has a message ready, such as a fast pipe, never lets go of the thread by
 * itself: requests, timers and signals would wait for ever. So it gives way after each turn.
 *
 * @throws what the source throws
 */
export async function feed(source: Source, sink: Sink, signal: AbortSignal): Promise<void> {
  let turnStartedAt = performance.now();
  let turnMessages = 0;
  for await (const message of until(signal, source.messages())) {
    // Checked right before the publish, so that nothing fills the queue in between.
    if (source.canWait && sink.saturated) await sink.writable();
    if (signal.aborted) return;
    sink.publish(source.channel, message);
    // After the publish: a message that carries its time must not age here.
    turnMessages += 1;
    const turnMs = performance.now() - turnStartedAt;
    if (turnMs < MAX_TURN_MS && turnMessages < MAX_TURN_MESSAGES) continue;
    await nextTurn();
    turnStartedAt = performance.now();
    turnMessages = 0;
  }
}

/** Ends the iteration when `signal` is aborted, even while it waits for the next value. */
function until<T>(signal: AbortSignal, values: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = values[Symbol.asyncIterator]();
  // An iterator may still finish its last step. Its result is not used.
  const end = async () => {
    try {
      await iterator.return?.();
    } catch {
      // As above.
    }
  };
  signal.addEventListener("abort", end, { once: true });
  return { [Symbol.asyncIterator]: () => iterator };
}
