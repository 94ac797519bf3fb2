/** The connection ended without a close frame. */
export const ABNORMAL_CLOSURE = 1006;
/** Close codes that are never sent and stand for a close frame without a code. */
const WITHOUT_CODE = [0, 1005, ABNORMAL_CLOSURE];
const NO_STATUS_RECEIVED = 1005;
/** Bytes of a control frame's payload, without those of the code (RFC 6455, section 5.5). */
const MAX_REASON_BYTES = 123;

/**
 * The code to send, 1005 for none. Codes that the standard reserves are refused: a client would take
 * them for errors.
 *
 * @throws RangeError for a code that may not be sent
 */
export function closeCode(code: number): number {
  if (WITHOUT_CODE.includes(code)) return NO_STATUS_RECEIVED;
  const standard = code >= 1000 && code <= 1014 && code !== 1004;
  const custom = code >= 3000 && code <= 4999;
  if (Number.isInteger(code) && (standard || custom)) return code;
  throw new RangeError(`close code must be 1000 to 1014 or 3000 to 4999, not ${String(code)}`);
}

/** What of a reason fits into a close frame beside the code: 123 bytes of UTF-8, cut at a character. */
export function closeReason(reason: unknown): string {
  const text = String(reason);
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_REASON_BYTES));
  return text.slice(0, read);
}
