import { expect, test } from "bun:test";
import { HOST, UPGRADE, Wire } from "../contract/wire";
import { connect } from "../helpers/client";
import { randomNumbers } from "../helpers/random";
import { type Serving, serve } from "../helpers/serving";

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

/** Tells each client whose headers its request has. */
function serveMirror(): Serving {
  return serve({}, (app) =>
    app.ws("/", {
      open({ data, send }) {
        const { headers } = data.request;
        send(`${headers.get("x-user")} with ${headers.get("cookie")}.`);
      },
    }),
  );
}

interface RawClient {
  user: string;
  cookie: string;
  /** Whether its head comes in two writes, and is read by hyper. */
  inTwo: boolean;
}

async function ask(port: number, { user, cookie, inTwo }: RawClient): Promise<Wire> {
  const wire = await Wire.open(port);
  const lines = ["GET / HTTP/1.1", HOST, ...UPGRADE, `X-User: ${user}`, `Cookie: ${cookie}`];
  if (!inTwo) {
    wire.write(...lines, "", "");
    return wire;
  }
  wire.write("GET ");
  // The door has read that much when it answers the next connection.
  const next = await connect(`ws://127.0.0.1:${port}`);
  next.terminate();
  wire.write("/ HTTP/1.1", ...lines.slice(1), "", "");
  return wire;
}

/** Nothing else of JavaScript runs meanwhile; the door does. */
function keepBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("who leaves while JavaScript is busy takes nothing from the next client of its kind", async () => {
  const { app } = serveMirror();
  const port = app.server?.port as number;
  const random = randomNumbers(7);
  for (let round = 0; round < 30; round += 1) {
    const cookie = `round=${round}`;
    const user = `user ${random() < 0.5 ? 0 : round}`;
    const leaving: RawClient = { user, cookie, inTwo: random() < 0.3 };
    const wire = await ask(port, leaving);
    if (random() < 0.5) wire.halfClose();
    wire.close();
    // The door looks every 100 ms whether those that wait have left.
    keepBusy(random() < 0.3 ? 250 : 0);
    const staying = await ask(port, { user, cookie, inTwo: random() < 0.3 });
    await staying.has(`${user} with ${cookie}.`);
    expect(staying.received).toStartWith("HTTP/1.1 101 ");
    staying.close();
  }
});

test("clients that come together leave the thread to others in between", async () => {
  const sinceOthers: number[] = [0];
  const { app } = serve({}, (app) =>
    app
      .onRequest(() => {
        sinceOthers.push((sinceOthers.pop() as number) + 1);
        keepBusy(3);
      })
      .ws("/", {}),
  );
  const port = app.server?.port as number;
  const wires = await Promise.all(Array.from({ length: 100 }, () => Wire.open(port)));
  for (const wire of wires) wire.write("GET / HTTP/1.1", HOST, ...UPGRADE, "", "");
  // The door hears them all.
  keepBusy(100);
  const others = setInterval(() => sinceOthers.push(0), 0);
  await Promise.all(wires.map((wire) => wire.has("HTTP/1.1 101 ")));
  clearInterval(others);
  for (const wire of wires) wire.close();
  // One event of them by the bell, and one in the turn behind it.
  expect(Math.max(...sinceOthers)).toBeLessThanOrEqual(2 * 32);
});
