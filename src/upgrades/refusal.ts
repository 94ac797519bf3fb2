import { atMost } from "../process/wait";
import { type FlatHeaders, toFlat } from "./headers";

/** Largest body of an answer that is no upgrade. Larger answers belong to plain HTTP. */
const MAX_BODY_BYTES = 1024 * 1024;

/** An ordinary response to a client that asked for a WebSocket. */
export interface Refusal {
  /** 200 to 599. */
  status: number;
  headers: FlatHeaders;
  body: Uint8Array;
}

/** What Bun calls a body that was a string. */
const TEXT = "text/plain;charset=utf-8";

/** A refusal in a line of plain text. */
export function plainRefusal(status: number, text: string, headers: FlatHeaders = []): Refusal {
  return {
    status,
    headers: ["content-type", TEXT, ...headers],
    body: new TextEncoder().encode(`${text}\n`),
  };
}

/**
 * Turns the app's response into a refusal. A body that is too large or takes too long gives a 500:
 * a cut one would be mistaken for the whole.
 *
 * @param timeoutMs time in which the body has to be complete
 */
export async function toRefusal(response: unknown, timeoutMs: number): Promise<Refusal> {
  if (!(response instanceof Response) || response.status < 200) {
    return plainRefusal(500, "the app gave no answer to the upgrade");
  }
  const body = await readBody(response, timeoutMs);
  if (!body) {
    return plainRefusal(
      500,
      `the answer to an upgrade has to be at most ${MAX_BODY_BYTES} bytes, within ${timeoutMs} ms`,
    );
  }
  const headers = toFlat(response.headers);
  if (body.byteLength > 0 && !response.headers.has("content-type")) {
    // Bun names the type of a string only as it sends it.
    headers.push("content-type", TEXT);
  }
  return { status: response.status, headers, body };
}

/** The whole body, or nothing if it passes the limits. */
async function readBody(response: Response, timeoutMs: number): Promise<Uint8Array | undefined> {
  if (!response.body) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let whole: Uint8Array | undefined;
  const readAll = async () => {
    for (let bytes = 0; bytes <= MAX_BODY_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) {
        whole = Buffer.concat(chunks);
        return;
      }
      chunks.push(value);
      bytes += value.byteLength;
    }
  };
  await atMost(readAll(), timeoutMs);
  // Of a body read to its end there is nothing to cancel, and how another takes it is its own
  // affair.
  if (!whole) reader.cancel().catch(() => {});
  return whole;
}
