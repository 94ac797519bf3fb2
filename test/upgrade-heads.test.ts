import { expect, test } from "bun:test";

import { connect } from "./client";
import { serve } from "./serving";

/** More than the core and JavaScript keep for the next clients. */
const KINDS = 300;

test("each request has its own headers, however many kinds of clients there are", async () => {
  const { ws } = serve({}, (app) =>
    app.ws("/", {
      open({ data, send }) {
        const { headers } = data.request;
        send(`${headers.get("x-kind")} ${headers.get("cookie")}`);
      },
    }),
  );
  const see = async (kind: string, cookie: string) => {
    const client = await connect(ws, { headers: { "x-kind": kind, cookie } });
    const seen = await client.next();
    client.terminate();
    return seen;
  };
  for (let round = 0; round < 2; round += 1) {
    for (let kind = 0; kind < KINDS; kind += 1) {
      expect(await see(`${kind}`, `round=${round}`)).toBe(`${kind} round=${round}`);
    }
  }
  for (const letter of ["a", "b", "a"]) {
    const long = letter.repeat(6000);
    expect(await see(long, letter)).toBe(`${long} ${letter}`);
  }
});
