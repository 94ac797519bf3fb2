import type { DescribedSource } from "./described-source";
import { lines } from "./lines";

/** What a source on standard input is made of. */
export interface StdinOptions {
  channel: string;
  /** Bytes of a line. */
  maxBytes: number;
}

/** One message a line, until the end of `input`. A full server slows the pipe. */
export function stdin(
  { channel, maxBytes }: StdinOptions,
  input: () => ReadableStream<Uint8Array> = () => Bun.stdin.stream(),
): DescribedSource {
  return {
    channel,
    description: "the lines of standard input",
    canWait: true,
    messages: () => lines(input(), maxBytes),
  };
}
