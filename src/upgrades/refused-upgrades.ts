/** Why upgrades were refused. */

import type { RefusedAtDoor } from "../sharded/native";

/** Upgrades that were answered with something else than a WebSocket, since the start, by reason. */
export interface RefusedUpgrades {
  /** The app answered otherwise: with a status of its own, or an error. */
  refused_app: number;
  /** The client's shard had `maxClients` already. */
  refused_full: number;
  /** The server was shutting down. */
  refused_draining: number;
  /** The request was no proper RFC 6455 handshake. */
  refused_malformed: number;
  /** `maxPendingUpgrades` waited for the app's decision already. */
  refused_busy: number;
  /** The app did not decide within `upgradeTimeoutMs`. */
  refused_undecided: number;
}

/** Upgrades that JavaScript has refused. */
export interface RefusedHere {
  app: number;
  full: number;
  draining: number;
}

const NONE_HERE: RefusedHere = { app: 0, full: 0, draining: 0 };
const NONE_AT_DOOR: RefusedAtDoor = { malformed: 0, busy: 0, undecided: 0 };

/** Puts those that JavaScript has refused beside those that never came to it. */
export function refusedUpgrades(here = NONE_HERE, atDoor = NONE_AT_DOOR): RefusedUpgrades {
  return {
    refused_app: here.app,
    refused_full: here.full,
    refused_draining: here.draining,
    refused_malformed: atDoor.malformed,
    refused_busy: atDoor.busy,
    refused_undecided: atDoor.undecided,
  };
}
