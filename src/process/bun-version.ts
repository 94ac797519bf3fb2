/** Which Bun shardcast runs on. Free of dependencies: the set-up runs before there are any. */

import { engines } from "../../package.json";

/** What to do about a Bun that is too old, or undefined where this one will do. */
export function bunProblem(version: string = Bun.version): string | undefined {
  if (Bun.semver.satisfies(version, engines.bun)) return undefined;
  return (
    `Bun ${engines.bun} is required, but this is Bun ${version}: ` +
    "update it with `bun upgrade`, or with `npm install bun@latest` where npm has installed it"
  );
}
