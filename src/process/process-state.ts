/** State of the process, as opposed to that of modules: `bun --hot` runs these anew. */

/** The state of that name. `make` makes it at the first call in this process. */
export function processState<T extends object>(name: string, make: () => T): T {
  const key = Symbol.for(`shardcast.${name}`);
  const place = globalThis as { [key: symbol]: T | undefined };
  place[key] ??= make();
  return place[key];
}
