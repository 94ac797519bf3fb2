import { expect, test } from "bun:test";

import { EVENTS_PER_TURN, EventPump, MAX_TURN_MS } from "../../src/sharded/event-pump";
import type { CoreEvent } from "../../src/sharded/native";

/** A source with `count` events waiting, as the core has them. */
function source(count: number, data = "x") {
  const waiting: CoreEvent[] = Array.from({ length: count }, (_, client) => ({
    type: "Text",
    client,
    data,
  }));
  return {
    drain(max: number) {
      const events = waiting.splice(0, max);
      return { events, isFull: events.length === max };
    },
  };
}

function fail(error: unknown): void {
  throw error;
}

/** A clock by which nothing takes any time. */
const standing = () => 0;

test("takes a batch a turn and the rest in the turns that follow, in order", async () => {
  const seen: number[] = [];
  const total = 2 * EVENTS_PER_TURN + 1;
  const pump = new EventPump(
    source(total),
    (event) => void seen.push((event as { client: number }).client),
    fail,
    standing,
  );
  pump.wake();
  expect(seen).toHaveLength(EVENTS_PER_TURN);
  while (seen.length < total) await new Promise(setImmediate);
  expect(seen).toEqual(Array.from({ length: total }, (_, n) => n));
});

test("ends its turn when the events take long, and goes on in the next, in order", async () => {
  const seen: number[] = [];
  const length = 1024;
  const core = source(4, "x".repeat(length));
  let timeMs = 0;
  const pump = new EventPump(
    core,
    (event) => {
      timeMs += MAX_TURN_MS / 2;
      seen.push((event as { client: number }).client);
    },
    fail,
    () => timeMs,
  );
  pump.wake();
  expect(seen).toEqual([0, 1]);
  // The core may wake the pump before the next turn.
  pump.wake();
  expect(seen).toEqual([0, 1, 2, 3]);
  await new Promise(setImmediate);
  expect(seen).toEqual([0, 1, 2, 3]);
});

test("ends its turn after upgrades that take long", async () => {
  const upgrades: CoreEvent = { type: "Upgrades", templates: [], parts: [] };
  const waiting = Array<CoreEvent>(4).fill(upgrades);
  let handled = 0;
  const pump = new EventPump(
    { drain: () => ({ events: waiting.splice(0), isFull: false }) },
    () => {
      handled += 1;
    },
    fail,
    () => (handled * MAX_TURN_MS) / 2,
  );
  pump.wake();
  expect(handled).toBe(2);
  await new Promise(setImmediate);
  expect(handled).toBe(4);
});

test("takes what is left when it ends, and nothing after", () => {
  let seen = 0;
  const core = source(2 * EVENTS_PER_TURN);
  const pump = new EventPump(
    core,
    () => {
      seen += 1;
    },
    fail,
  );
  pump.end();
  expect(seen).toBe(2 * EVENTS_PER_TURN);
  core.drain = () => {
    throw new Error("drained after the end");
  };
  pump.wake();
});

test("loses no event to another one's error", () => {
  const seen: number[] = [];
  const reported: unknown[] = [];
  const pump = new EventPump(
    source(3),
    (event) => {
      const { client } = event as { client: number };
      seen.push(client);
      if (client === 1) throw new Error("one of them");
    },
    (error) => void reported.push(error),
  );
  pump.wake();
  expect(seen).toEqual([0, 1, 2]);
  expect(reported).toEqual([new Error("one of them")]);
});

test("goes on after a batch that could not be taken", async () => {
  const core = source(1);
  const { drain } = core;
  core.drain = () => {
    core.drain = drain;
    throw new Error("no memory");
  };
  const reported: unknown[] = [];
  const { promise: seen, resolve } = Promise.withResolvers<CoreEvent>();
  new EventPump(core, resolve, (error) => void reported.push(error)).wake();
  expect(reported).toEqual([new Error("no memory")]);
  expect(await seen).toMatchObject({ type: "Text", client: 0 });
});
