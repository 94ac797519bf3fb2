import type { MessageData } from "../payload";

/** A stream of messages for one channel. */
export interface Source {
  readonly channel: string;
  /**
   * Whether it can wait. One that can is not pulled while the queues are full, and loses nothing.
   * One that cannot keeps to a clock: what a full queue does not take is dropped.
   */
  readonly canWait: boolean;
  /** The messages. Called once; they end by themselves, or when their reader stops pulling. */
  messages(): AsyncIterable<MessageData>;
}
