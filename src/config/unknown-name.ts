/** Messages about unknown names. */

import { closestMatch } from "leven";

/** The most letters that are wrong, missing or too many in a misspelt name. */
const MAX_WRONG_LETTERS = 2;
/** A longer name is not a misspelt one. */
const MAX_LENGTH = 100;

/** The nearest known name, if one is near: numShards for num_shard. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = known.map(withoutStyle);
  const nearest = closestMatch(withoutStyle(name), plain, { maxDistance: MAX_WRONG_LETTERS });
  return nearest === undefined ? undefined : known[plain.indexOf(nearest)];
}

/** The rest of a message behind the name: ` is not a …`, and the nearest known name, or all. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  const advice =
    nearest === undefined ? `; there are: ${known.join(", ")}` : `: did you mean ${nearest}?`;
  return ` is not a ${what}${advice}`;
}

/** The letters alone: how words are joined differs from place to place. */
function withoutStyle(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}
