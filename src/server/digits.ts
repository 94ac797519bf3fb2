/** The integer that plain decimal digits stand for; undefined for any other text, such as `1e3`. */
export function fromDigits(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
