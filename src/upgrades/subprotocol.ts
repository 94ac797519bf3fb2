/** Which subprotocol a 101 response names. */

import type { FlatHeaders } from "./headers";

export const SUBPROTOCOL_HEADER = "sec-websocket-protocol";

/**
 * A subprotocol that begins with this carries a key for the app, which a browser can send in no
 * other header. It is never chosen for a client, so that no answer repeats the key.
 */
export const KEY_SUBPROTOCOL_PREFIX = "shardcast.key.";

/**
 * The headers of a 101 response, which may name one subprotocol (RFC 6455, 4.2.2): of those that
 * the app has given the first, as with Bun, and else the first that the client has offered.
 *
 * @param chosen the app's headers
 * @param offered what the client has sent, if anything
 */
export function withSubprotocol(
  chosen: FlatHeaders | undefined,
  offered: string | null | undefined,
): FlatHeaders | undefined {
  const at = chosen ? chosen.findIndex(isSubprotocolHeader) : -1;
  const list = at < 0 ? offered : chosen?.[at + 1];
  if (list === null || list === undefined) return chosen;
  const others = at < 0 ? chosen : chosen?.toSpliced(at, 2);
  const name = firstSubprotocol(list);
  return name === undefined ? others : [...(others ?? []), SUBPROTOCOL_HEADER, name];
}

function isSubprotocolHeader(entry: string, index: number): boolean {
  return index % 2 === 0 && entry === SUBPROTOCOL_HEADER;
}

/** The first name of a list that is no secret. The list is a stranger's, and may be long. */
function firstSubprotocol(list: string): string | undefined {
  for (let start = 0; start <= list.length; ) {
    const comma = list.indexOf(",", start);
    const end = comma < 0 ? list.length : comma;
    const name = list.slice(start, end).trim();
    if (name !== "" && !name.startsWith(KEY_SUBPROTOCOL_PREFIX)) return name;
    start = end + 1;
  }
  return undefined;
}
