/** Where messages come from. */

import type { MessageData } from "../payload";

/** A stream of messages for one channel. */
export interface Source {
  readonly channel: string;
  /** For people: what it brings, and how fast. */
  readonly description: string;
  /**
   * Whether it can be kept waiting. One that can is not pulled while the queues are full, and loses
   * nothing. One that cannot goes by the clock: what a full queue does not take is dropped.
   */
  readonly canWait: boolean;
  /** The messages. Pulled once; ends by itself, or when its reader stops pulling. */
  messages(): AsyncIterable<MessageData>;
}

/** A source that cannot be, or broke. The message names the part that is wrong. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}
