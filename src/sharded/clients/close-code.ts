import {
  CLOSE_ABNORMAL,
  CLOSE_NO_STATUS,
  MAX_CLOSE_REASON_BYTES,
  SENDABLE_CLOSE_CODES,
} from "../constants";

/** Close codes that are never sent and stand for a close frame without a code. */
const WITHOUT_CODE = [0, CLOSE_NO_STATUS, CLOSE_ABNORMAL];

/** What an app's `close` comes to. */
export interface Close {
  /** Sent to the client; 1005 is none. */
  sent: number;
  /** The code that the `close` handler gets. */
  reported: number;
}

/**
 * Any number is a code for a socket's `close`, as with Bun, though the standard reserves many of
 * them and a client takes those for errors. The frame holds 16 bits of it.
 *
 * @throws TypeError for what is no number
 */
export function toClose(code: unknown): Close {
  if (typeof code !== "number") throw new TypeError("close requires a numeric code or undefined");
  const sent = code & 0xffff;
  return { sent: WITHOUT_CODE.includes(sent) ? CLOSE_NO_STATUS : sent, reported: code | 0 };
}

/**
 * The code to send at a shutdown, 1005 for none. Codes that the standard reserves are refused: a
 * client would take them for errors.
 *
 * @throws RangeError for a code that may not be sent
 */
export function closeCode(code: number): number {
  if (WITHOUT_CODE.includes(code)) return CLOSE_NO_STATUS;
  const isSendable = SENDABLE_CLOSE_CODES.some(([first, last]) => code >= first && code <= last);
  if (Number.isInteger(code) && isSendable) return code;
  throw new RangeError(`close code must be 1000 to 1014 or 3000 to 4999, not ${String(code)}`);
}

/**
 * What of a reason fits into a close frame beside the code: 123 bytes of UTF-8, cut at a character.
 *
 * @throws TypeError for a symbol, which has no text
 */
export function closeReason(reason: unknown): string {
  const bytes = new Uint8Array(MAX_CLOSE_REASON_BYTES);
  const { written } = new TextEncoder().encodeInto(`${reason}`, bytes);
  return new TextDecoder().decode(bytes.subarray(0, written));
}
