/** Headers as the core takes them: name, value, name, value, …. */
export type FlatHeaders = string[];

/** What a user may pass as headers. Elysia's may hold several values for one name. */
export type HeaderSource =
  | Headers
  | readonly (readonly string[])[]
  | Record<string, string | number | readonly string[] | undefined>;

/**
 * Lists headers one by one, `set-cookie` as often as it was set. The door leaves out those that are
 * for one connection or of the handshake: it writes these itself.
 *
 * @throws TypeError for a name or a value that could break out of its header
 */
export function toFlat(source: HeaderSource): FlatHeaders {
  const flat: FlatHeaders = [];
  for (const [name, value] of toHeaders(source)) flat.push(name, value);
  return flat;
}

function toHeaders(source: HeaderSource): Headers {
  if (source instanceof Headers) return source;
  const headers = new Headers();
  for (const [name, value] of entries(source)) {
    for (const single of Array.isArray(value) ? value : [value]) {
      if (single !== undefined) headers.append(name, String(single));
    }
  }
  return headers;
}

function entries(source: Exclude<HeaderSource, Headers>): [string, unknown][] {
  return Array.isArray(source) ? (source as [string, string][]) : Object.entries(source);
}
