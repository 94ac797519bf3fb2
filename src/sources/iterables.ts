import { show } from "../config/setting";
import { isMessageData, type MessageData } from "../payload";
import type { Source } from "./source";

/**
 * Iterables by channel. Each value of an iterable is published on its channel: text and bytes as
 * they are, any other value as JSON.
 *
 * The broadcaster reads from an iterable while it serves and no worker is saturated, so that it
 * loses nothing. An iterable that throws an error is logged and ends; the others continue.
 */
export type Channels = Record<string, AsyncIterable<unknown>>;

/**
 * Makes a source of each channel's iterable. Sources stay as they are.
 *
 * @throws TypeError naming the channel that is wrong
 */
export function sourcesOf(channels: Channels | readonly Source[]): Source[] {
  return isSources(channels) ? channels.map(checkedSource) : iterableSources(channels);
}

function isSources(channels: Channels | readonly Source[]): channels is readonly Source[] {
  return Array.isArray(channels);
}

function checkedSource(source: Source): Source {
  checkChannel(source?.channel);
  if (typeof source.messages === "function") return source;
  throw new TypeError(`the source of channel ${source.channel} must have a function "messages"`);
}

function checkChannel(channel: unknown): void {
  if (typeof channel === "string" && channel !== "") return;
  throw new TypeError(`a channel's name must be a non-empty string, not ${show(channel)}`);
}

function iterableSources(channels: Channels): Source[] {
  return Object.entries(channels).map(([channel, iterable]) => {
    checkChannel(channel);
    if (typeof iterable?.[Symbol.asyncIterator] !== "function") {
      throw new TypeError(`channel ${channel} must be an async iterable, not ${String(iterable)}`);
    }
    return {
      channel,
      canWait: true,
      messages: () => encoded(iterable, channel),
    };
  });
}

/** The iterable's values as messages. Ending it ends the iterable, even between two values. */
function encoded(iterable: AsyncIterable<unknown>, channel: string): AsyncIterable<MessageData> {
  return {
    [Symbol.asyncIterator]() {
      const values = iterable[Symbol.asyncIterator]();
      return {
        async next() {
          const { value, done } = await values.next();
          return done ? { value: undefined, done } : { value: toMessage(value, channel) };
        },
        async return() {
          await values.return?.();
          return { value: undefined, done: true };
        },
      };
    },
  };
}

function toMessage(value: unknown, channel: string): MessageData {
  if (isMessageData(value)) return value;
  const json = JSON.stringify(value);
  if (json !== undefined) return json;
  throw new TypeError(`channel ${channel} yielded ${String(value)}, which JSON cannot express`);
}
