/** Checks of what an app passes to the methods of a socket. */

import { toBytes } from "../../payload";
import { MAX_CONTROL_PAYLOAD } from "../constants";

/**
 * Whether a message may be compressed. Unlike the server's methods, those of a socket take only a
 * boolean.
 */
export function toCompress(compress: unknown, caller: string): boolean {
  if (typeof compress === "boolean") return compress;
  throw new TypeError(`${caller} expects compress to be a boolean, not ${String(compress)}`);
}

/**
 * The payload of a ping or pong, whose size the protocol limits. Unlike a message, it may be
 * nothing.
 */
export function toControlPayload(data: unknown, caller: string): Uint8Array {
  const given = data ?? "";
  const bytes = typeof given === "string" ? Buffer.from(given) : toBytes(given, caller);
  if (bytes.byteLength <= MAX_CONTROL_PAYLOAD) return bytes;
  throw new RangeError(
    `${caller} takes at most ${MAX_CONTROL_PAYLOAD} bytes, not ${bytes.byteLength}`,
  );
}

/** @throws TypeError for what is no name of a channel */
export function checkChannel(channel: unknown, caller: string): asserts channel is string {
  if (typeof channel !== "string" || channel === "") {
    throw new TypeError(`${caller} requires a non-empty channel name, but got ${String(channel)}`);
  }
}
