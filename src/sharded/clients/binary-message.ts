/** What an app may write for each `binaryType`: Bun takes the names of the classes as well. */
const BINARY_TYPES: ReadonlyMap<unknown, BinaryType> = new Map([
  ["nodebuffer", "nodebuffer"],
  ["buffer", "nodebuffer"],
  ["Buffer", "nodebuffer"],
  ["arraybuffer", "arraybuffer"],
  ["ArrayBuffer", "arraybuffer"],
  ["uint8array", "uint8array"],
  ["Uint8Array", "uint8array"],
  ["blob", "blob"],
]);
/** In which form a socket's handlers get binary messages. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "uint8array" | "blob";
/** What a `message` handler gets for a binary message, by the socket's `binaryType`. */
export type BinaryMessage = Buffer | ArrayBuffer | Uint8Array | Blob;

/**
 * The `binaryType` that an app has set, by any of its names.
 *
 * @throws TypeError for any other value
 */
export function toBinaryType(type: unknown): BinaryType {
  const known = BINARY_TYPES.get(Object(type) instanceof String ? String(type) : type);
  if (known !== undefined) return known;
  const all = [...new Set(BINARY_TYPES.values())].join(", ");
  throw new TypeError(`binaryType must be one of ${all}, not ${String(type)}`);
}

/** A binary message in the form that the socket's handlers asked for. */
export function binaryMessage(type: BinaryType, data: Buffer): BinaryMessage {
  switch (type) {
    case "nodebuffer":
      return data;
    case "arraybuffer":
      return new Uint8Array(data).buffer;
    case "uint8array":
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    case "blob":
      return new Blob([new Uint8Array(data)]);
  }
}
