import { MACHINE_CLOCK } from "./pace";
import { repeated, withPace } from "./replay";
import type { Source } from "./source";

/** Messages a second: as many as one can read. */
const RATE = 5;

/**
 * Two thousand real flights in the United States, from the npm package vega-datasets: what a server
 * shows that was given nothing else.
 */
export function flights(): Source {
  return {
    channel: "flights",
    description: `real flights, ${RATE} a second`,
    canWait: false,
    async *messages() {
      // The package's data lies beside its main file, which is all that it exports.
      const file = new URL("../data/flights-2k.json", import.meta.resolve("vega-datasets"));
      const rows = (await Bun.file(file).json()) as object[];
      const messages = repeated(() => rows.map((row) => JSON.stringify(row)), "the data set");
      yield* withPace(messages, RATE, MACHINE_CLOCK);
    },
  };
}
