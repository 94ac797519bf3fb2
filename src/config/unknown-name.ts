/** What a message says of a name that is not known. */

import { closestMatch } from "leven";

/** Letters that may be wrong, missing or too many in a name that still is taken for another. */
const MAX_WRONG_LETTERS = 2;
/** A longer name is no known one that is misspelt. */
const MAX_LENGTH = 100;

/** The known name that was meant, as far as can be told: numShards by num_shard. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = known.map(withoutStyle);
  const nearest = closestMatch(withoutStyle(name), plain, { maxDistance: MAX_WRONG_LETTERS });
  return nearest === undefined ? undefined : known[plain.indexOf(nearest)];
}

/** ` is not a …`, to be put behind the name: the known name that was meant, or else all of them. */
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
