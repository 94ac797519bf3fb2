// Figures for people.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const FINE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
/** Three digits, but of less than a millisecond no more than microseconds. */
const MICROSECONDS = new Intl.NumberFormat("en", {
  maximumSignificantDigits: 3,
  maximumFractionDigits: 3,
  roundingPriority: "lessPrecision",
});
const HUNDREDTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** A figure stays on the line of its unit. */
const NBSP = "\u00a0";

/** Stands for what is not known. */
export const UNKNOWN = "–";

/** @param {number} count */
export function whole(count) {
  return WHOLE.format(count);
}

/** @param {number | null} count such as 1,234,567, which becomes 1.23M */
export function short(count) {
  if (count === null) return UNKNOWN;
  return count < 10_000 ? WHOLE.format(count) : SHORT.format(count);
}

/** @param {number | null} value */
export function fine(value) {
  return value === null ? UNKNOWN : FINE.format(value);
}

/** @param {number | null} bytes */
export function megabytes(bytes) {
  if (bytes === null) return UNKNOWN;
  return bytes < 10e6 ? HUNDREDTHS.format(bytes / 1e6) : FINE.format(bytes / 1e6);
}

/**
 * At most eight characters, for which its place has room.
 *
 * @param {number | null} milliseconds such as 0.09871, which becomes 0.099 ms
 */
export function time(milliseconds) {
  if (milliseconds === null) return UNKNOWN;
  return milliseconds < 9995
    ? `${MICROSECONDS.format(milliseconds)} ms`
    : `${FINE.format(milliseconds / 1000)} s`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1000) return `${WHOLE.format(bytes)}${NBSP}B`;
  return bytes < 1e6
    ? `${FINE.format(bytes / 1e3)}${NBSP}kB`
    : `${FINE.format(bytes / 1e6)}${NBSP}MB`;
}

/** @param {number} ms since 1970 */
export function clock(ms) {
  return CLOCK.format(ms);
}

/** @param {number} seconds such as 125, which becomes 2 min 5 s */
export function duration(seconds) {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.floor(seconds % 60)];
  if (minutes === 0) return `${rest} s`;
  return rest === 0 ? `${minutes} min` : `${minutes} min ${rest} s`;
}

/**
 * @param {number} count
 * @param {string} one such as "worker"
 */
export function counted(count, one) {
  return `${whole(count)} ${one}${count === 1 ? "" : "s"}`;
}
