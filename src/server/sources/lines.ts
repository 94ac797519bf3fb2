import { SourceError } from "./described-source";

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Splits bytes into lines, which end with `\n` or `\r\n`; the last may end with the stream. Reads
 * no further than it is pulled.
 *
 * @param maxBytes of a line
 * @throws SourceError naming the line that is longer, or that is not UTF-8
 */
export async function* lines(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let rest: Uint8Array = new Uint8Array();
  let number = 1;
  const checked = (line: Uint8Array): string => {
    const bytes = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
    if (bytes.length > maxBytes) {
      throw new SourceError(`line ${number} has more than ${maxBytes} bytes`);
    }
    try {
      return decoder.decode(bytes);
    } catch {
      throw new SourceError(`line ${number} is not UTF-8`);
    } finally {
      number += 1;
    }
  };
  for await (const chunk of stream) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      yield checked(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    // One byte more may be the carriage return of a line that just fits.
    if (bytes.length > maxBytes + 1) checked(bytes);
    rest = bytes;
  }
  if (rest.length > 0) yield checked(rest);
}
