/** How a socket ends, by the app's will or the client's. */

import { describe } from "bun:test";

import { type Socket, type Stage, sameOnBoth, until } from "../both";

describe("a socket closes as Bun's does", () => {
  const CLOSES: unknown[][] = [
    [],
    [1000],
    [1000, "bye"],
    [1001, "é".repeat(100)],
    [1002],
    [1003],
    [1007],
    [1008],
    [1009],
    [1010],
    [1011],
    [1012],
    [1013],
    [1014],
    [3000, "x".repeat(123)],
    [3000, "x".repeat(124)],
    [4999],
    [undefined, "reason"],
    [0],
    [1005],
    [1006, "reason"],
    // To the client they are errors.
    [1],
    [999],
    [1004],
    [1015],
    [2000],
    [5000],
    [65_535],
    [65_536],
    [65_536 + 1000],
    [2 ** 32 + 1000],
    [-1],
    [1000.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [1000, null],
    [1000, undefined],
    [1000, 7],
    [1000, {}],
    [1000, "a lone surrogate \ud800"],
  ];
  for (const given of CLOSES) {
    const name = given.map((argument) => String(argument).slice(0, 20)).join(", ");
    sameOnBoth(`close(${name})`, async (stage) => {
      const ends: unknown[] = [];
      const { client, socket } = await stage.pair({
        close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
      });
      stage.try("close", () => (socket.close as (...given: unknown[]) => void)(...given));
      stage.note(await client.closed);
      await until(() => ends.length > 0);
      stage.note(ends);
    });
  }

  const mistake = () => {
    throw new RangeError("mine");
  };
  const MISTAKES: unknown[][] = [
    [null],
    ["1000"],
    [true],
    [{}],
    [10n],
    [Symbol("s")],
    [1000, Symbol("s")],
    [1000, { toString: mistake }],
  ];
  sameOnBoth("close, but not for what is no code or no reason", async (stage) => {
    const ends: unknown[] = [];
    const { client, socket } = await stage.pair({
      close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
    });
    const close = socket.close.bind(socket) as (...given: unknown[]) => void;
    for (const given of MISTAKES) stage.try("close", () => close(...given));
    stage.note(socket.readyState, ends);
    socket.close(4000);
    for (const given of MISTAKES) stage.try("close again", () => close(...given));
    stage.note(await client.closed, ends);
  });

  const LAST_WORDS: Record<string, (socket: Socket, stage: Stage) => unknown> = {
    send: (socket) => socket.send("last"),
    "a send within cork": (socket) => socket.cork(() => socket.send("last")),
    ping: (socket) => socket.ping("last"),
    publish: (_, stage) => stage.server.publish("news", "last"),
    "many sends": (socket) => {
      for (let count = 0; count < 50; count += 1) socket.send("x".repeat(1000));
    },
  };
  for (const [name, act] of Object.entries(LAST_WORDS)) {
    sameOnBoth(`terminate, after ${name}`, async (stage) => {
      const ends: unknown[] = [];
      const { client, socket } = await stage.pair({
        close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
      });
      const heard: string[] = [];
      client.socket.on("message", (data) => heard.push(String(data)));
      client.socket.on("ping", (data) => heard.push(`ping ${data}`));
      socket.subscribe("news");
      act(socket, stage);
      socket.terminate();
      stage.note(ends);
      stage.note((await client.closed).code, heard);
    });
  }

  sameOnBoth("terminate", async (stage) => {
    const ends: unknown[] = [];
    const { client, socket } = await stage.pair({
      close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
    });
    stage.try("terminate", () => socket.terminate());
    stage.note((await client.closed).code);
    await until(() => ends.length > 0);
    stage.note(ends);
  });

  for (const [code, reason] of [
    [1000, "done"],
    [1001, ""],
    [4000, "é"],
    [undefined, undefined],
  ] as const) {
    sameOnBoth(`its client leaves with ${code}`, async (stage) => {
      const ends: unknown[] = [];
      const { client } = await stage.pair({
        close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
      });
      stage.note(await client.close(code, reason));
      await until(() => ends.length > 0);
      stage.note(ends);
    });
  }

  sameOnBoth("its client vanishes", async (stage) => {
    const ends: unknown[] = [];
    const { client } = await stage.pair({
      close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
    });
    client.terminate();
    await until(() => ends.length > 0);
    stage.note(ends);
  });
});
