import { setImmediate } from "node:timers";

import type { CoreEvent, QuickCalls } from "./native";

/**
 * Events taken in one turn of the event loop, each upgrade counted. More wait for the next, so that
 * HTTP and timers live.
 */
export const EVENTS_PER_TURN = 256;

/**
 * Carries events from the core to JavaScript.
 *
 * The core rings once when events wait. A batch that comes back full leaves the bell silent and
 * means that more may wait: the pump takes the next batch itself. A batch that is not full re-arms
 * the bell.
 */
export class EventPump {
  #ended = false;

  /** @param handle is given each event, in order. What it throws is no other event's loss. */
  constructor(
    private readonly calls: Pick<QuickCalls, "drain">,
    private readonly handle: (event: CoreEvent) => void,
  ) {}

  /**
   * Called by the core's doorbell, on the JavaScript thread. Nothing is thrown into native code.
   */
  ring(): void {
    if (this.#ended) return;
    try {
      if (this.#drain()) setImmediate(() => this.ring());
    } catch (error) {
      // The bell is still silent. Unless someone looks again, nobody ever will.
      setImmediate(() => this.ring());
      reportError(error);
    }
  }

  /** Takes the events that are left of a core that has stopped, and no more from then on. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    while (this.#drain());
  }

  /** @returns whether more events may wait */
  #drain(): boolean {
    const { events, isFull } = this.calls.drain(EVENTS_PER_TURN);
    for (const event of events) this.#handle(event);
    return isFull;
  }

  #handle(event: CoreEvent): void {
    try {
      this.handle(event);
    } catch (error) {
      reportError(error);
    }
  }
}
