import type { MessageData } from "../payload";

/** A stream of messages for one channel. */
export interface Source {
  readonly channel: string;
  /**
   * Whether it can wait. If it can, shardcast does not read from it while a worker is saturated,
   * and it loses nothing. If it cannot, it follows a clock, and a full queue drops its messages.
   */
  readonly canWait: boolean;
  /** The messages. Called once; they end by themselves, or when the reader stops. */
  messages(): AsyncIterable<MessageData>;
}
