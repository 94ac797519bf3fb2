/** Values that strangers have sent, for messages that repeat them. */

/** An object or array this deep is left out: each level indents all that is below it. */
const MAX_DEPTH = 8;
/** Members of all objects and arrays together. */
const MAX_MEMBERS = 64;
/** Characters of all texts together, keys included. */
const MAX_CHARACTERS = 2048;
/** Stands for what was left out. */
const ELLIPSIS = "…";

/**
 * The beginning of a JSON value, of which no message becomes much larger; the value itself if it is
 * small.
 */
export function excerpt(value: unknown): unknown {
  const taking = new Taking();
  const taken = taking.take(value, 0);
  return taking.isWhole ? value : taken;
}

class Taking {
  #members = MAX_MEMBERS;
  #characters = MAX_CHARACTERS;
  isWhole = true;

  take(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#takeText(value);
    if (typeof value !== "object" || value === null) return value;
    if (ArrayBuffer.isView(value) && value.byteLength <= MAX_MEMBERS) return value;
    if (depth === MAX_DEPTH || ArrayBuffer.isView(value)) return this.#leaveOut();
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
