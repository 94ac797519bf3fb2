import type { Logger } from "../logging/logger";
import { feed, type Sink } from "./feed";
import type { Source } from "./source";

/**
 * The sources of a broadcaster, flowing while it serves. One that fails does not stop the others.
 */
export class Feeds {
  #ending: AbortController | undefined;

  constructor(
    private readonly sources: readonly Source[],
    private readonly sink: Sink,
    private readonly logger: Logger,
  ) {}

  /** Lets them flow, unless they do. */
  start(): void {
    if (this.#ending && !this.#ending.signal.aborted) return;
    const ending = new AbortController();
    this.#ending = ending;
    for (const source of this.sources) {
      feed(source, this.sink, ending.signal).catch((err) => {
        const { channel } = source;
        this.logger.error({ channel, err }, `the source of channel ${channel} has failed: ${err}`);
      });
    }
  }

  /** No source is pulled any more. What has been published is not touched. */
  stop(): void {
    this.#ending?.abort();
  }
}
