// Figures for people.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const FINE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** @param {number} count */
export function whole(count) {
  return WHOLE.format(count);
}

/** @param {number} count such as 1,234,567, which becomes 1.23M */
export function short(count) {
  return count < 10_000 ? WHOLE.format(count) : SHORT.format(count);
}

/** @param {number} value */
export function fine(value) {
  return FINE.format(value);
}

/** @param {number | null} milliseconds */
export function time(milliseconds) {
  return milliseconds === null ? "–" : `${FINE.format(milliseconds)} ms`;
}

/** @param {number} bytes */
export function bytes(bytes) {
  if (bytes < 1000) return `${WHOLE.format(bytes)} B`;
  return bytes < 1e6 ? `${FINE.format(bytes / 1e3)} kB` : `${FINE.format(bytes / 1e6)} MB`;
}
