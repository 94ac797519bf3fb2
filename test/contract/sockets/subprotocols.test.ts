/** Which subprotocol a 101 response names: the app's first, or the client's first. */

import { expect, test } from "bun:test";

import { serve } from "../../helpers/serving";
import { onEach, type Stage } from "../both";
import { HOST, UPGRADE, Wire } from "../wire";

const NAME = "Sec-WebSocket-Protocol";

/** What clients offer, in lines of the head. */
const OFFERS: Record<string, string[]> = {
  nothing: [],
  "no name": [`${NAME}: `],
  one: [`${NAME}: a`],
  several: [`${NAME}: a, b, c`],
  "several, the other way round": [`${NAME}: c,b,a`],
  "several in two lines": [`${NAME}: a`, `${NAME}: b`],
  "several with blanks around": [`${NAME}:   a   ,  b `],
  "one in upper case": [`${NAME}: A`],
};

/** What apps give `server.upgrade` as `headers`, for a request. */
const CHOICES: Record<string, (request: Request) => unknown> = {
  nothing: () => undefined,
  "no headers": () => ({}),
  "other headers": () => ({ "x-other": "1" }),
  "one of them": () => ({ "sec-websocket-protocol": "b" }),
  "one that was not offered": () => ({ "sec-websocket-protocol": "z" }),
  "a list": () => ({ "sec-websocket-protocol": "b, a" }),
  "a list that begins with one that was not offered": () => ({ "sec-websocket-protocol": "z, b" }),
  "what the client has offered": ({ headers }) => ({
    "sec-websocket-protocol": headers.get("sec-websocket-protocol") ?? "",
  }),
  "no name": () => ({ "sec-websocket-protocol": "" }),
  "an array": () => ({ "sec-websocket-protocol": ["b", "a"] }),
  "a name in other case": () => ({ [NAME]: "b" }),
  "a name in upper case": () => ({ [NAME.toUpperCase()]: "b" }),
  Headers: () => new Headers({ [NAME]: "b" }),
  "Headers with a list": () => new Headers({ [NAME]: "b, a" }),
  pairs: () => [[NAME, "b"]],
  "two pairs": () => [
    [NAME, "b"],
    [NAME, "a"],
  ],
};

/** Has the app upgrade with what `options` makes of each request. */
function upgrade(stage: Stage, options: (request: Request) => object): void {
  stage.serve((app) =>
    app.get("/up", ({ request, server }) => {
      server?.upgrade(request, options(request) as never);
    }),
  );
}

/** The subprotocol that a client is told. */
async function told(stage: Stage, lines: string[]): Promise<string | undefined> {
  const wire = await Wire.open(stage.port);
  wire.write("GET /up HTTP/1.1", HOST, ...UPGRADE, ...lines, "", "");
  await wire.has("\r\n\r\n");
  const head = wire.received;
  wire.close();
  expect(head).toStartWith("HTTP/1.1 101");
  return /^sec-websocket-protocol:(.*)$/im.exec(head)?.[1]?.trim();
}

for (const [choice, headers] of Object.entries(CHOICES)) {
  test(`names the same as Bun where the app gives ${choice}`, async () => {
    const [builtIn, sharded] = await onEach(async (stage) => {
      upgrade(stage, (request) => ({ headers: headers(request), data: {} }));
      const answers: Record<string, string | undefined> = {};
      for (const [offer, lines] of Object.entries(OFFERS))
        answers[offer] = await told(stage, lines);
      return answers;
    });
    expect(sharded).toEqual(builtIn);
  });
}

test("names what the client had offered before the app's options were read", async () => {
  const [builtIn, sharded] = await onEach(async (stage) => {
    const order: string[] = [];
    const noting = (request: Request, name: string) => () => {
      order.push(name);
      request.headers.set(NAME, "changed");
      return name === "data" ? {} : undefined;
    };
    upgrade(stage, (request) =>
      Object.defineProperties(
        {},
        {
          headers: { get: noting(request, "headers"), enumerable: true },
          data: { get: noting(request, "data"), enumerable: true },
        },
      ),
    );
    return { told: await told(stage, [`${NAME}: a`]), order };
  });
  expect(builtIn.told).toBe("a");
  expect(sharded).toEqual(builtIn);
});

test("is never a secret, whatever the app does", async () => {
  const key = "shardcast.key.c2VjcmV0";
  for (const [offer, expected] of [
    [`${key}, a`, "a"],
    [`a, ${key}`, "a"],
    [key, undefined],
  ] as const) {
    for (const choice of ["nothing", "what the client has offered"]) {
      const headers = CHOICES[choice] as (request: Request) => never;
      const { app } = serve({}, (app) =>
        app.get("/up", ({ request, server }) => {
          server?.upgrade(request, { headers: headers(request), data: {} } as never);
        }),
      );
      const port = app.server?.port as number;
      expect(await told({ port } as Stage, [`${NAME}: ${offer}`])).toBe(expected as never);
    }
  }
});
