/** The addon that has the parts of the core one by one. */

import { join } from "node:path";

/** What `bench/parts` exports. */
interface Parts {
  encode(payload: Uint8Array, times: number): void;
  decode(frames: Uint8Array, times: number): number;
  readonly WorkerBell: new () => {
    pushToAwake(times: number): void;
    pushToAsleep(times: number): void;
  };
  readonly Sleeper: new () => { wake(): void };
  readonly JavaScriptEvents: new (
    wake: () => void,
  ) => {
    emit(times: number): void;
    drain(): number;
  };
}

/** @throws where it was not built; the set-up of `bench` does that */
export function loadParts(): Parts {
  const module = { exports: {} };
  process.dlopen(module, join(import.meta.dir, "../target/parts/release/libshardcast_parts.so"));
  return module.exports as Parts;
}
