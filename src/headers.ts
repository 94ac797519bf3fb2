/** Headers as the core takes them: name, value, name, value, …. */
export type FlatHeaders = string[];

/** What a user may pass as headers. Elysia's may hold several values for one name. */
export type HeaderSource =
  | Headers
  | readonly (readonly string[])[]
  | Record<string, string | number | readonly string[] | undefined>;

/** Headers of one connection or of the handshake. The door writes these, and nobody else. */
const OF_THE_DOOR = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "transfer-encoding",
  "upgrade",
]);

/** Builds `Headers` of what came over the wire. */
export function fromFlat(flat: FlatHeaders): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    headers.append(flat[i] as string, flat[i + 1] as string);
  }
  return headers;
}

/**
 * Lists headers one by one, `set-cookie` as often as it was set, without those that are the door's.
 *
 * @throws TypeError for a name or a value that could break out of its header
 */
export function toFlat(source: HeaderSource | undefined): FlatHeaders {
  const flat: FlatHeaders = [];
  for (const [name, value] of toHeaders(source)) {
    if (!OF_THE_DOOR.has(name)) flat.push(name, value);
  }
  return flat;
}

function toHeaders(source: HeaderSource | undefined): Headers {
  if (source instanceof Headers) return source;
  const headers = new Headers();
  for (const [name, value] of entries(source)) {
    for (const single of Array.isArray(value) ? value : [value]) {
      if (single !== undefined) headers.append(name, String(single));
    }
  }
  return headers;
}

function entries(source: Exclude<HeaderSource, Headers> | undefined): [string, unknown][] {
  if (source === undefined) return [];
  return Array.isArray(source) ? (source as [string, string][]) : Object.entries(source);
}
