import type { DescribedSource } from "./described-source";
import { atRate, type Clock, MACHINE_CLOCK } from "./pace";

/** The frame of a message, its numbers and some padding fit in this. */
export const MIN_SIZE_BYTES = 64;
/** How far the wall clock may have moved against the steady one before it is looked at again. */
const MAX_CLOCK_SKEW_MS = 2;

/** What a synthetic source is made of. */
export interface SyntheticOptions {
  channel: string;
  /** Messages a second. */
  rate: number;
  /** Bytes of each message, at least `MIN_SIZE_BYTES`. */
  size: number;
}

/**
 * Messages for load tests: `{"t":<unix time in ns>,"n":<0,1,2…>,"p":"xxx…"}`, all of the same size.
 */
export function synthetic(
  options: SyntheticOptions,
  clock: Clock = MACHINE_CLOCK,
): DescribedSource {
  const { channel, rate, size } = options;
  return {
    channel,
    description: `${rate} synthetic messages a second of ${size} bytes`,
    canWait: false,
    async *messages() {
      const padding = "x".repeat(size);
      for await (const n of atRate(rate, clock)) yield message(n, size, padding);
    },
  };
}

function message(n: number, size: number, padding: string): string {
  const head = `{"t":${unixNanoseconds()},"n":${n},"p":"`;
  return `${head}${padding.slice(0, size - head.length - 2)}"}`;
}

/** From the steady clock's milliseconds to those of the wall clock. */
let offsetMs = performance.timeOrigin;

/**
 * Unix time in nanoseconds, in digits: as a number it would not be exact. The steady clock is finer
 * than the wall clock's milliseconds, and is set by it.
 */
function unixNanoseconds(): string {
  const steadyMs = performance.now();
  if (Math.abs(steadyMs + offsetMs - Date.now()) > MAX_CLOCK_SKEW_MS) {
    offsetMs = Date.now() - steadyMs;
  }
  const ms = steadyMs + offsetMs;
  const whole = Math.floor(ms);
  const nanoseconds = Math.floor((ms - whole) * 1_000_000);
  return `${whole}${String(nanoseconds).padStart(6, "0")}`;
}
