import type { Server } from "bun";

/** A message: text becomes a text frame, anything else a binary frame. */
export type MessageData = Parameters<Server<unknown>["publish"]>[1];

/** Whether a value can be published as it is. */
export function isMessageData(value: unknown): value is MessageData {
  return (
    typeof value === "string" ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    value instanceof Blob
  );
}

/**
 * The form in which the core takes a message: a string, or a view of its bytes.
 *
 * Numbers, booleans and objects are sent as their text, as Bun does; Elysia hands over numbers that
 * it has parsed from a client's message.
 *
 * @param caller names the method in an error
 * @throws TypeError for nothing, and for a symbol, which has no text
 */
export function toPayload(data: unknown, caller: string): string | Uint8Array {
  if (typeof data === "string") return data;
  if (data === undefined || data === null) {
    throw new TypeError(`${caller} requires a message, but got ${data}`);
  }
  return asBytes(data, caller) ?? `${data}`;
}

/** The length of a message as it goes over the wire, uncompressed. */
export function bytesIn(message: MessageData): number {
  if (typeof message === "string") return Buffer.byteLength(message);
  return message instanceof Blob ? message.size : message.byteLength;
}

/** Text alone, for the methods that say so. */
export function toText(data: unknown, caller: string): string {
  if (typeof data !== "string") {
    throw new TypeError(`${caller} expects a string, but got ${typeof data}`);
  }
  return data;
}

/** Bytes alone, for the methods that say so. */
export function toBytes(data: unknown, caller: string): Uint8Array {
  const bytes = asBytes(data, caller);
  if (!bytes) throw new TypeError(`${caller} expects a BufferSource, but got ${typeof data}`);
  return bytes;
}

/** A view of the same memory: the core copies the bytes before its call returns. */
function asBytes(data: unknown, caller: string): Uint8Array | undefined {
  if (data instanceof Uint8Array) return unshared(data);
  if (ArrayBuffer.isView(data)) {
    return unshared(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    return unshared(new Uint8Array(data));
  }
  return data instanceof Blob ? bytesOfBlob(data, caller) : undefined;
}

/** The bytes of a blob in memory, which are there at once though the promise is of later. */
function bytesOfBlob(blob: Blob, caller: string): Uint8Array {
  const reading = blob.arrayBuffer();
  const bytes = Bun.peek(reading);
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  // A rejection that no code handles would end the process.
  reading.catch(() => {});
  throw new TypeError(
    `${caller} cannot send a Blob that is not in memory, such as a file; await its bytes() first`,
  );
}

/** Shared memory is copied: another thread may write to it while the core reads. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}
