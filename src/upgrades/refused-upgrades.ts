/** Upgrades that were answered with something else than a WebSocket, since the start. */

import type { RefusedAtDoor } from "../sharded/native";
import { REFUSALS, type Refusal } from "../stats/counters";

/** By reason, as the stats have them. */
export type RefusedUpgrades = Record<`refused_${Refusal}`, number>;

/** Those that JavaScript has refused. */
export type RefusedHere = Record<Exclude<Refusal, keyof RefusedAtDoor>, number>;

/** Puts those that JavaScript has refused beside those that never came to it. */
export function refusedUpgrades(here?: RefusedHere, atDoor?: RefusedAtDoor): RefusedUpgrades {
  const counts: Partial<Record<Refusal, number>> = { ...here, ...atDoor };
  const reasons = Object.keys(REFUSALS) as Refusal[];
  const entries = reasons.map((reason) => [`refused_${reason}`, counts[reason] ?? 0]);
  return Object.fromEntries(entries) as RefusedUpgrades;
}
