/** The page's connection that comes back, without its page. */

import { expect, onTestFinished, test } from "bun:test";
import type { ServerWebSocket } from "bun";

import { Connection, GONE } from "../../src/server/page/connection.js";
import { within } from "../helpers/client";

interface State {
  name: string;
  code?: number;
  waitMs?: number;
}

/** A connection to a server that does this with each that opens, until the test ends. */
function connectTo(open: (ws: ServerWebSocket) => void, silenceMs?: number) {
  const server = Bun.serve({
    port: 0,
    fetch: (request, server) => void server.upgrade(request),
    websocket: { open, message() {} },
  });
  const states: State[] = [];
  let told = () => {};
  const connection = new Connection({
    url: `ws://127.0.0.1:${server.port}`,
    onMessage: () => {},
    onState(state: State) {
      states.push(state);
      told();
    },
    ...(silenceMs !== undefined && { silenceMs }),
  });
  onTestFinished(async () => {
    connection.end();
    await server.stop(true);
  });
  /** Waits for the `count`th state of this name. */
  const state = (name: string, count = 1): Promise<State> =>
    within(
      new Promise((resolve) => {
        told = () => {
          const found = states.filter((state) => state.name === name)[count - 1];
          if (found) resolve(found);
        };
        told();
      }),
      `state ${name}`,
    );
  return { connection, states, state };
}

test("a server that accepts and closes at once is not pressed", async () => {
  const { states, state } = connectTo((ws) => ws.close(1013));
  const { code, waitMs } = await state("disconnected", 3);
  expect(code).toBe(1013);
  // Four times the first wait, of which at most half is left off.
  expect(waitMs).toBeGreaterThanOrEqual(1000);
  const names = ["connecting", "connected", "disconnected"];
  expect(states.map(({ name }) => name)).toEqual([...names, ...names, ...names]);
});

test("a server that is silent for too long is left, and asked again", async () => {
  const { state } = connectTo(() => {}, 20);
  expect((await state("disconnected")).code).toBe(GONE);
  await state("connected", 2);
});

test("a server that does not want the page is left for good", async () => {
  const { states, state } = connectTo((ws) => ws.close(1008));
  await state("refused");
  expect(states.map(({ name }) => name)).toEqual(["connecting", "connected", "refused"]);
});

test("a connection that was ended says nothing more", async () => {
  const { connection, states, state } = connectTo(() => {});
  await state("connected");
  connection.end();
  await Promise.resolve();
  expect(states.map(({ name }) => name)).toEqual(["connecting", "connected"]);
});
