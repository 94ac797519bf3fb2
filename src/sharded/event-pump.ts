import { setImmediate } from "node:timers";

import type { CoreEvent, HotFunctions } from "./native";

type Batch = ReturnType<HotFunctions["drain"]>;

/** Events taken in one turn of the event loop, each upgrade counted. More wait for the next. */
export const EVENTS_PER_TURN = 256;

/** How long events are handled before HTTP and timers have their turn. */
export const MAX_TURN_MS = 2;

/**
 * The clock is read after so many events, after so long a text, which may take long to parse, and
 * after each event of upgrades, which holds many.
 */
const EVENTS_PER_CLOCK_READ = 16;
const LONG_TEXT = 1024;

const NONE: Batch = { events: [], isFull: false };

/**
 * Carries events from the core to JavaScript.
 *
 * The core calls `wake` once when events wait. After a full batch it does not call again, because
 * more may wait: the pump takes the next batch itself. After a batch that is not full, it does.
 */
export class EventPump {
  #ended = false;
  /** The last batch, of which those before `#at` were handled. */
  #batch = NONE;
  #at = 0;

  /**
   * @param handle is called with each event, in order. What it throws harms no other event
   * @param failed is called with what was thrown
   * @param now a clock, in milliseconds
   */
  constructor(
    private readonly calls: Pick<HotFunctions, "drain">,
    private readonly handle: (event: CoreEvent) => void,
    private readonly failed: (error: unknown) => void,
    private readonly now = () => performance.now(),
  ) {}

  /** The core's wake callback, on the JavaScript thread. Throws nothing into native code. */
  wake(): void {
    if (this.#ended) return;
    try {
      if (this.#take(this.now() + MAX_TURN_MS)) setImmediate(() => this.wake());
    } catch (error) {
      // The core does not call again before a batch has been taken.
      setImmediate(() => this.wake());
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
      if (this.#isTimeForClock(event) && this.now() >= until) return true;
    }
    this.#batch = NONE;
    this.#at = 0;
    return isFull;
  }

  #isTimeForClock(event: CoreEvent): boolean {
    const isLong =
      event.type === "Upgrades" || (event.type === "Text" && event.data.length >= LONG_TEXT);
    return isLong || this.#at % EVENTS_PER_CLOCK_READ === 0;
  }

  #handle(event: CoreEvent): void {
    try {
      this.handle(event);
    } catch (error) {
      this.failed(error);
    }
  }
}
