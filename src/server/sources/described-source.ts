import type { Source } from "../../index";

/** A source, with what the server's first lines say of it. */
export interface DescribedSource extends Source {
  /** What it brings, and how fast. */
  readonly description: string;
}

/** A source that is misconfigured, or that failed. The message names the part that is wrong. */
export class SourceError extends Error {
  override readonly name = "SourceError";
}
