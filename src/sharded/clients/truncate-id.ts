/** Characters of an id that are kept or shown: a client may choose a long one. */
export const MAX_ID_LENGTH = 200;

/** The beginning of a long id. It is a copy: a slice would keep the whole of it in memory. */
export function truncateId(id: string): string {
  return id.length > MAX_ID_LENGTH ? Buffer.from(id.slice(0, MAX_ID_LENGTH)).toString() : id;
}
