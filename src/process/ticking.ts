/** Calls `work` every `intervalMs`, and returns what ends that. */
export type Repeat = (work: () => void, intervalMs: number) => () => void;

/** By a timer for which no process stays alive. */
export const repeat: Repeat = (work, intervalMs) => {
  const timer = setInterval(work, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};

interface TickingOptions {
  intervalMs: number;
  /** Whether anyone wants another; asked before each. */
  isWanted: () => boolean;
  /** Runs before the first. */
  begin: () => void;
  work: () => Promise<void>;
  /** Is told why a work has failed, which keeps no other from its turn. */
  failed: (error: unknown) => void;
  repeat: Repeat;
}

/** A work that is done at once and then again and again, as long as it is wanted. */
export class Ticking {
  #stop: (() => void) | undefined;
  #isWorking = false;

  constructor(private readonly options: TickingOptions) {}

  /** Makes it go on, unless it does. */
  start(): void {
    if (this.#stop) return;
    const { repeat, intervalMs, begin } = this.options;
    begin();
    this.#stop = repeat(() => this.#strike(), intervalMs);
    this.#strike();
  }

  /** Nobody waits for a tick, and a rejection that nobody takes ends the process. */
  #strike(): void {
    this.#tick().catch(this.options.failed);
  }

  /** One that is due while another takes its time is left out: they would pile up. */
  async #tick(): Promise<void> {
    if (this.#isWorking) return;
    if (!this.options.isWanted()) {
      this.#stop?.();
      this.#stop = undefined;
      return;
    }
    this.#isWorking = true;
    try {
      await this.options.work();
    } finally {
      this.#isWorking = false;
    }
  }
}
