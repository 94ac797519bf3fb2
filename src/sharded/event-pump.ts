import { setImmediate } from "node:timers";

import type { CoreEvent, QuickCalls } from "./native";

type Batch = ReturnType<QuickCalls["drain"]>;

/**
 * Events taken in one turn of the event loop, each upgrade counted. More wait for the next, so that
 * HTTP and timers live.
 */
export const EVENTS_PER_TURN = 256;

/** How long events are handled before all else that waits for the thread has its turn. */
export const MAX_TURN_MS = 2;

/**
 * The clock is looked at after so many events, or so long a text: a parser may take its time. And
 * after upgrades, which are many in one event.
 */
const EVENTS_PER_LOOK = 16;
const LONG_TEXT = 1024;

const NONE: Batch = { events: [], isFull: false };

/**
 * Carries events from the core to JavaScript.
 *
 * The core rings once when events wait. A batch that comes back full leaves the bell silent and
 * means that more may wait: the pump takes the next batch itself. A batch that is not full re-arms
 * the bell.
 */
export class EventPump {
  #ended = false;
  /** The last batch, of which those before `#at` were handled. */
  #batch = NONE;
  #at = 0;

  /**
   * @param handle is given each event, in order. What it throws is no other event's loss
   * @param failed is told what was thrown
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly calls: Pick<QuickCalls, "drain">,
    private readonly handle: (event: CoreEvent) => void,
    private readonly failed: (error: unknown) => void,
    private readonly now = () => performance.now(),
  ) {}

  /**
   * Called by the core's doorbell, on the JavaScript thread. Nothing is thrown into native code.
   */
  ring(): void {
    if (this.#ended) return;
    try {
      if (this.#take(this.now() + MAX_TURN_MS)) setImmediate(() => this.ring());
    } catch (error) {
      // The bell is still silent. Unless someone looks again, nobody ever will.
      setImmediate(() => this.ring());
      this.failed(error);
    }
  }

  /** Takes the events that are left of a core that has stopped, and no more from then on. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    while (this.#take(Number.POSITIVE_INFINITY));
  }

  /** @returns whether more events may wait */
  #take(until: number): boolean {
    if (this.#at === this.#batch.events.length) {
      this.#batch = this.calls.drain(EVENTS_PER_TURN);
      this.#at = 0;
    }
    const { events, isFull } = this.#batch;
    while (this.#at < events.length) {
      const event = events[this.#at] as CoreEvent;
      this.#at += 1;
      this.#handle(event);
      if (this.#isTimeToLook(event) && this.now() >= until) return true;
    }
    this.#batch = NONE;
    this.#at = 0;
    return isFull;
  }

  #isTimeToLook(event: CoreEvent): boolean {
    const isLong =
      event.type === "Upgrades" || (event.type === "Text" && event.data.length >= LONG_TEXT);
    return isLong || this.#at % EVENTS_PER_LOOK === 0;
  }

  #handle(event: CoreEvent): void {
    try {
      this.handle(event);
    } catch (error) {
      this.failed(error);
    }
  }
}
