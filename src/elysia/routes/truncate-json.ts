/** Values that strangers have sent, for messages that repeat them. */

/** How much of a value is taken. */
export interface TruncationLimits {
  /** Objects and arrays within each other. */
  depth: number;
  /** Members of all objects and arrays together. */
  members: number;
  /** Characters of all texts together, keys included. */
  characters: number;
}

/** Bytes that are part of a value are left out when there are more. */
const MAX_BYTES = 64;
/** Stands for what was left out. */
const ELLIPSIS = "…";

/** The beginning of a JSON value; the value itself if it is within the limits. */
export function truncateJson(value: unknown, limits: TruncationLimits): unknown {
  const taking = new Truncation(limits);
  const taken = taking.take(value, 0);
  return taking.isWhole ? value : taken;
}

class Truncation {
  isWhole = true;
  readonly #depth: number;
  #members: number;
  #characters: number;

  constructor({ depth, members, characters }: TruncationLimits) {
    this.#depth = depth;
    this.#members = members;
    this.#characters = characters;
  }

  take(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#takeText(value);
    if (typeof value !== "object" || value === null) return value;
    if (ArrayBuffer.isView(value) && value.byteLength <= MAX_BYTES) return value;
    if (depth === this.#depth || ArrayBuffer.isView(value)) return this.#leaveOut();
    return Array.isArray(value) ? this.#takeItems(value, depth) : this.#takeMembers(value, depth);
  }

  #takeText(text: string): string {
    const taken = text.slice(0, this.#characters);
    this.#characters -= taken.length;
    return taken.length === text.length ? text : taken + this.#leaveOut();
  }

  #takeItems(items: readonly unknown[], depth: number): unknown[] {
    const taken: unknown[] = [];
    for (const item of items) {
      if (!this.#hasRoom()) return [...taken, this.#leaveOut()];
      taken.push(this.take(item, depth + 1));
    }
    return taken;
  }

  #takeMembers(value: object, depth: number): object {
    const taken: [string, unknown][] = [];
    for (const key in value) {
      if (!this.#hasRoom()) return Object.fromEntries([...taken, [ELLIPSIS, this.#leaveOut()]]);
      const member = (value as Record<string, unknown>)[key];
      taken.push([this.#takeText(key), this.take(member, depth + 1)]);
    }
    return Object.fromEntries(taken);
  }

  #hasRoom(): boolean {
    this.#members -= 1;
    return this.#members >= 0;
  }

  #leaveOut(): string {
    this.isWhole = false;
    return ELLIPSIS;
  }
}
