import { basename } from "node:path";
import { type DescribedSource, SourceError } from "./described-source";
import { lines } from "./lines";
import { atRate, type Clock, MACHINE_CLOCK } from "./pace";

/** What a replayed file is made of. */
export interface ReplayOptions {
  /** A file of newline-delimited JSON. */
  file: string;
  channel: string;
  /** Messages a second. */
  rate: number;
  /** Bytes of a line. */
  maxBytes: number;
}

/** The lines of a file, over and over. The file is streamed, so that its size does not matter. */
export function replay(options: ReplayOptions, clock: Clock = MACHINE_CLOCK): DescribedSource {
  const { file, channel, rate, maxBytes } = options;
  return {
    channel,
    description: `${basename(file)}, ${rate} lines a second`,
    canWait: false,
    messages: () =>
      withPace(
        repeated(() => jsonLines(file, maxBytes), file),
        rate,
        clock,
      ),
  };
}

async function* jsonLines(file: string, maxBytes: number): AsyncGenerator<string> {
  if (!(await Bun.file(file).exists())) throw new SourceError(`${file} does not exist`);
  let number = 0;
  for await (const line of lines(Bun.file(file).stream(), maxBytes)) {
    number += 1;
    if (line.trim() === "") continue;
    checkJson(line, `line ${number} of ${file}`);
    yield line;
  }
}

function checkJson(text: string, where: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw new SourceError(`${where} is not JSON`);
  }
}

/** All of a sequence, again and again. */
async function* repeated(
  once: () => AsyncIterable<string> | Iterable<string>,
  name: string,
): AsyncGenerator<string> {
  for (;;) {
    let empty = true;
    for await (const message of once()) {
      empty = false;
      yield message;
    }
    if (empty) throw new SourceError(`${name} holds no message`);
  }
}

/** The messages at an even rate. */
async function* withPace(
  messages: AsyncGenerator<string>,
  perSecond: number,
  clock: Clock,
): AsyncGenerator<string> {
  try {
    for await (const _ of atRate(perSecond, clock)) {
      const { done, value } = await messages.next();
      if (done) return;
      yield value;
    }
  } finally {
    await messages.return(undefined);
  }
}
