import { checkChannelName } from "../api/channel-names";
import { fromDigits } from "../digits";
import { type DescribedSource, SourceError } from "./described-source";
import { fileProblem } from "./file-problem";
import { market } from "./market";
import { replay } from "./replay";
import { stdin } from "./stdin";
import { MIN_SIZE_BYTES, synthetic } from "./synthetic";

const MAX_RATE = 1_000_000;
const DEFAULT_SIZE_BYTES = 128;
const MAX_SEED = 2 ** 32 - 1;
const DEFAULT_SEED = 1;

/** The parameters of a spec, each to be taken once. */
class Parameters {
  readonly #values: Map<string, string>;

  constructor(
    readonly name: string,
    text: string,
  ) {
    const pairs = text === "" ? [] : text.split(",").map((pair) => this.#pair(pair));
    this.#values = new Map(pairs);
    if (this.#values.size < pairs.length) throw this.error("a parameter is given twice");
  }

  #pair(pair: string): [string, string] {
    const at = pair.indexOf("=");
    if (at < 1) throw this.error(`${JSON.stringify(pair)} is not name=value`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  }

  text(name: string): string {
    const value = this.#values.get(name);
    if (!value) throw this.error(`${name}= is missing`);
    this.#values.delete(name);
    return value;
  }

  channel(): string {
    const channel = this.text("channel");
    const wrong = checkChannelName(channel);
    if (wrong) throw this.error(wrong);
    return channel;
  }

  whole(name: string, min: number, max: number, fallback?: number): number {
    if (fallback !== undefined && !this.#values.has(name)) return fallback;
    const text = this.text(name);
    const value = fromDigits(text);
    if (value !== undefined && value >= min && value <= max) return value;
    throw this.error(
      `${name} must be an integer from ${min} to ${max}, in decimal digits, not ${text}`,
    );
  }

  /** A file that can be read now. It may be gone when the source reads it. */
  file(): string {
    const file = this.text("file");
    const problem = fileProblem(file);
    if (problem) throw this.error(`file ${file} ${problem}`);
    return file;
  }

  end(): void {
    const [unknown] = this.#values.keys();
    if (unknown !== undefined) throw this.error(`unknown parameter ${unknown}`);
  }

  error(what: string): SourceError {
    return new SourceError(`${this.name}: ${what}`);
  }
}

/**
 * Makes a source from a text such as `market:channel=market,rate=5,seed=1`,
 * `synthetic:channel=ticks,rate=800,size=128`,
 * `replay:file=F,channel=C,rate=R` or `stdin:channel=C`.
 *
 * @param maxBytes of a message
 * @param place where the spec comes from, such as `--source`, for messages
 * @throws SourceError naming the part that is wrong
 */
export function parseSource(spec: string, maxBytes: number, place = "source"): DescribedSource {
  const [, kind = spec, text = ""] = /^([^:]*):(.*)$/s.exec(spec) ?? [];
  const parameters = new Parameters(nameOf(spec, place), text);
  const source = make(kind, parameters, maxBytes);
  parameters.end();
  return source;
}

/**
 * Makes all the sources of a server. Standard input can be read once only.
 *
 * @param maxBytes of a message
 * @param place where the spec comes from, such as `--source`, for messages
 * @throws SourceError naming the part that is wrong
 */
export function parseSources(
  specs: string[],
  maxBytes: number,
  place = "source",
): DescribedSource[] {
  const sources = specs.map((spec) => parseSource(spec, maxBytes, place));
  const [, second] = specs.filter((spec) => spec.startsWith("stdin:"));
  if (second === undefined) return sources;
  throw new SourceError(`${nameOf(second, place)}: another source reads standard input`);
}

function nameOf(spec: string, place: string): string {
  return `${place} ${JSON.stringify(spec)}`;
}

function make(kind: string, parameters: Parameters, maxBytes: number): DescribedSource {
  switch (kind) {
    case "market":
      return market({
        channel: parameters.channel(),
        rate: parameters.whole("rate", 1, MAX_RATE),
        seed: parameters.whole("seed", 0, MAX_SEED, DEFAULT_SEED),
      });
    case "synthetic":
      return synthetic({
        channel: parameters.channel(),
        rate: parameters.whole("rate", 1, MAX_RATE),
        size: parameters.whole("size", MIN_SIZE_BYTES, maxBytes, DEFAULT_SIZE_BYTES),
      });
    case "replay":
      return replay({
        file: parameters.file(),
        channel: parameters.channel(),
        rate: parameters.whole("rate", 1, MAX_RATE),
        maxBytes,
      });
    case "stdin":
      return stdin({ channel: parameters.channel(), maxBytes });
    default:
      throw parameters.error("a source is market:…, synthetic:…, replay:… or stdin:…");
  }
}
