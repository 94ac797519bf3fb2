/** An answer that may be late, or never come: until it does, the last one counts. */
export class LastAnswer<T> {
  #known: { answer: T; at: number } | undefined;
  /** The one question under way. While it is, no other is asked. */
  #asking: Promise<void> | undefined;

  constructor(private readonly ask: () => Promise<T>) {}

  /**
   * The newest answer there is after at most `timeoutMs`, and when it came, in milliseconds since
   * 1970. Undefined before the first.
   */
  async within(timeoutMs: number): Promise<{ answer: T; at: number } | undefined> {
    this.#asking ??= this.#askOnce();
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, timeoutMs);
    try {
      await Promise.race([this.#asking, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
    return this.#known;
  }

  async #askOnce(): Promise<void> {
    try {
      this.#known = { answer: await this.ask(), at: Date.now() };
    } finally {
      this.#asking = undefined;
    }
  }
}
