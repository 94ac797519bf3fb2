/** Calls `work` every `intervalMs`, and returns what ends that. */
export type Repeat = (work: () => void, intervalMs: number) => () => void;

/** By a timer that does not keep the process alive. */
export const repeat: Repeat = (work, intervalMs) => {
  const timer = setInterval(work, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
};

interface TickingOptions {
  intervalMs: number;
  /** Whether another is wanted; called before each. */
  isWanted: () => boolean;
  /** Runs before the first. */
  begin: () => void;
  work: () => Promise<void>;
  /** Called when `work` has failed. The next one runs all the same. */
  failed: (error: unknown) => void;
  repeat: Repeat;
}

/** Work that runs at once and then again and again, as long as it is wanted. */
export class Ticking {
  #stop: (() => void) | undefined;
  #isWorking = false;

  constructor(private readonly options: TickingOptions) {}

  /** Starts it, unless it runs. */
  start(): void {
    if (this.#stop) return;
    const { repeat, intervalMs, begin } = this.options;
    begin();
    this.#stop = repeat(() => this.#tickAndReport(), intervalMs);
    this.#tickAndReport();
  }

  /** A rejection that nothing handles ends the process: of `failed` too, as a logger may throw. */
  #tickAndReport(): void {
    this.#tick().catch(this.options.failed).catch(console.error);
  }

  /** A tick that is due while another runs is left out: they would pile up. */
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
