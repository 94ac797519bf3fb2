/** Every member of `ServerWebSocket`. `types.test.ts` sees that none is forgotten. */

import { describe } from "bun:test";

import { within } from "../../helpers/client";
import { type Socket, type Stage, sameOnBoth, until } from "../both";

/** Values that a user might send, good and bad. */
const DATA: [string, unknown][] = [
  ["text", "text"],
  ["no text", ""],
  ["é", "é"],
  ["a lone surrogate", "a\ud800b"],
  ["a zero within", "a\0b"],
  ...longTexts(),
  ["Uint8Array", new Uint8Array([1, 2, 3])],
  ["no bytes", new Uint8Array()],
  ["Uint16Array", new Uint16Array([0x0201])],
  ["Float64Array", new Float64Array([0.5])],
  ["BigInt64Array", new BigInt64Array([-1n])],
  ["a part of a Uint8Array", new Uint8Array([1, 2, 3, 4]).subarray(1, 3)],
  ["DataView", new DataView(new Uint8Array([5, 6, 7, 8]).buffer, 1, 2)],
  ["ArrayBuffer", new Uint8Array([9, 8]).buffer],
  ["Buffer", Buffer.from("buffer")],
  ["SharedArrayBuffer", new SharedArrayBuffer(2)],
  ["Blob", new Blob(["blob"])],
  ["undefined", undefined],
  ["null", null],
  ["a number", 7],
  ["true", true],
  ["an object", { a: 1 }],
  ["an array", [1]],
  ["a date", new Date(0)],
  ["a symbol", Symbol("s")],
  ["a function", () => {}],
];

/** Text up to 4 KiB takes another way into the core than longer text: some of about that length. */
function longTexts(): [string, string][] {
  const lasts = ["x", "é", "€", "😀", "\ud800"];
  return lasts.flatMap((last): [string, string][] => {
    const bytes = Buffer.byteLength(last);
    const lengths = Array.from({ length: 10 }, (_, n) => 4088 + n);
    return lengths.map((length) => [
      `${length} bytes with ${JSON.stringify(last)} at the end`,
      "x".repeat(length - bytes) + last,
    ]);
  });
}

/** Calls `method` with each of `DATA`, and notes what it answers and what the client gets. */
async function tryAll(stage: Stage, act: (data: never) => unknown, socket: Socket) {
  for (const [label, data] of DATA) stage.try(label, () => act(data as never));
  socket.sendText("the end");
}

async function noteUntilEnd(stage: Stage, next: () => Promise<string | Buffer>) {
  for (;;) {
    const message = await next();
    stage.note(message);
    if (message === "the end") return;
  }
}

describe("a socket sends as Bun's does", () => {
  for (const method of ["send", "sendText", "sendBinary"] as const) {
    sameOnBoth(method, async (stage) => {
      const { client, socket } = await stage.pair();
      await tryAll(stage, (data) => socket[method](data), socket);
      await noteUntilEnd(stage, () => client.next());
    });
  }

  for (const method of ["publish", "publishText", "publishBinary"] as const) {
    sameOnBoth(method, async (stage) => {
      const { client, socket, sockets } = await stage.pair();
      await stage.connect();
      await until(() => sockets.length === 2);
      const [, other] = sockets as [Socket, Socket];
      socket.subscribe("news");
      await tryAll(stage, (data) => other[method]("news", data), socket);
      await noteUntilEnd(stage, () => client.next());
    });
  }

  for (const kind of ["ping", "pong"] as const) {
    sameOnBoth(kind, async (stage) => {
      const { client, socket } = await stage.pair();
      client.socket.on(kind, (data: Buffer) => stage.note(kind, data));
      await tryAll(stage, (data) => socket[kind](data), socket);
      await client.next();
    });
  }
});

/** What every member answers. */
function tryEveryMember(stage: Stage, socket: Socket): void {
  const bytes = new Uint8Array(2);
  stage.try("readyState", () => socket.readyState);
  stage.try("remoteAddress", () => socket.remoteAddress);
  stage.try("binaryType", () => socket.binaryType);
  stage.try("data", () => typeof socket.data);
  stage.try("subscriptions", () => socket.subscriptions);
  stage.try("send", () => socket.send("x"));
  stage.try("sendText", () => socket.sendText("x"));
  stage.try("sendBinary", () => socket.sendBinary(bytes));
  stage.try("publish", () => socket.publish("a", "x"));
  stage.try("publishText", () => socket.publishText("a", "x"));
  stage.try("publishBinary", () => socket.publishBinary("a", bytes));
  stage.try("ping", () => socket.ping("x"));
  stage.try("pong", () => socket.pong(bytes));
  stage.try("subscribe", () => socket.subscribe("a"));
  stage.try("subscribe again", () => socket.subscribe("a"));
  stage.try("isSubscribed", () => socket.isSubscribed("a"));
  stage.try("unsubscribe", () => socket.unsubscribe("a"));
  stage.try("unsubscribe again", () => socket.unsubscribe("a"));
  stage.try("is not subscribed", () => socket.isSubscribed("a"));
  stage.try("cork", () => socket.cork((corked) => corked === socket));
  stage.try("cork throws", () =>
    socket.cork(() => {
      throw new RangeError("mine");
    }),
  );
  stage.try("getBufferedAmount", () => typeof socket.getBufferedAmount());
  stage.try("isPaused", () => socket.isPaused);
  stage.try("pause", () => socket.pause());
  stage.try("paused", () => socket.isPaused);
  stage.try("resume", () => socket.resume());
  stage.try("resumed", () => socket.isPaused);
}

describe("every member answers as Bun's does", () => {
  sameOnBoth("while the socket is open", async (stage) => {
    const { socket } = await stage.pair();
    tryEveryMember(stage, socket);
  });

  sameOnBoth("after the app has closed it", async (stage) => {
    const { socket } = await stage.pair();
    socket.subscribe("a");
    socket.close();
    tryEveryMember(stage, socket);
    stage.try("close again", () => socket.close());
    stage.try("terminate", () => socket.terminate());
  });

  sameOnBoth("to mistakes, while it is open and once it is closed", async (stage) => {
    const { socket } = await stage.pair();
    const mistaken = socket as unknown as Record<string, (...given: unknown[]) => unknown>;
    const MISTAKES: [string, ...unknown[]][] = [
      ["send"],
      ["send", Symbol("s")],
      ["send", "x", 1],
      ["sendText", 7],
      ["sendBinary", "x"],
      ["publish", "", "x"],
      ["publish", 7, "x"],
      ["publish", "a"],
      ["publish", "a", "x", 1],
      ["publishText", "a", 7],
      ["publishBinary", "a", "x"],
      ["subscribe", ""],
      ["unsubscribe", ""],
      ["isSubscribed", ""],
      ["ping", "x".repeat(126)],
      ["ping", 7],
      ["pong", "x".repeat(126)],
      ["cork"],
      ["cork", 7],
      ["close", "x"],
    ];
    for (const state of ["open", "closed"]) {
      for (const [method, ...given] of MISTAKES) {
        stage.try(`${state} ${method}`, () => mistaken[method]?.(...given));
      }
      socket.close();
    }
  });

  sameOnBoth("in the close handler, and after it", async (stage) => {
    const ends: Socket[] = [];
    const { client, socket } = await stage.pair({
      close(ws: { raw: Socket }) {
        tryEveryMember(stage, ws.raw);
        ends.push(ws.raw);
      },
    });
    socket.subscribe("a");
    await client.close();
    await until(() => ends.length > 0);
    tryEveryMember(stage, socket);
  });

  sameOnBoth("to names of channels that are none", async (stage) => {
    const { socket } = await stage.pair();
    for (const channel of ["", undefined, null, 7, {}, "a".repeat(1000), "ü"]) {
      const label = JSON.stringify(channel)?.slice(0, 20) ?? "undefined";
      stage.try(`subscribe ${label}`, () => socket.subscribe(channel as string));
      stage.try(`isSubscribed ${label}`, () => socket.isSubscribed(channel as string));
      stage.try(`publish ${label}`, () => socket.publish(channel as string, "x"));
      stage.try(`unsubscribe ${label}`, () => socket.unsubscribe(channel as string));
    }
    stage.note(socket.subscriptions.toSorted());
  });

  sameOnBoth("to a binaryType that there is, and to one that there is not", async (stage) => {
    const { socket } = await stage.pair();
    const types = [
      "uint8array",
      "arraybuffer",
      "nodebuffer",
      "blob",
      "text",
      "",
      7,
      undefined,
      null,
    ];
    const spellings = [
      "Uint8Array",
      "ArrayBuffer",
      "Buffer",
      "buffer",
      "Blob",
      "BUFFER",
      "NodeBuffer",
    ];
    const objects = [
      new String("arraybuffer"),
      ["blob"],
      { toString: () => "blob" },
      Symbol("blob"),
    ];
    for (const state of ["open", "closed"]) {
      for (const type of [...types, ...spellings, ...objects]) {
        stage.try(`${state} ${String(type)}`, () => {
          socket.binaryType = type as "nodebuffer";
          return socket.binaryType;
        });
      }
      socket.close();
    }
  });
});

describe("cork calls its callback with the socket as this and as its argument", () => {
  for (const state of ["open", "closed"]) {
    sameOnBoth(`when it is ${state}`, async (stage) => {
      const { socket } = await stage.pair();
      if (state === "closed") socket.close();
      socket.cork(function (this: unknown, corked) {
        stage.note("this", this === socket, "argument", corked === socket);
      });
    });
  }
});

describe("what a client sends arrives as on Bun's", () => {
  for (const type of ["default", "nodebuffer", "arraybuffer", "uint8array", "blob"] as const) {
    sameOnBoth(`with binaryType ${type}`, async (stage) => {
      let heard = 0;
      const hear = (kind: string) => (_ws: unknown, data: unknown) => {
        stage.note(kind, data);
        heard += 1;
      };
      const { client, socket } = await stage.pair({
        parse: (_ws: unknown, message: unknown) => message,
        message: hear("message"),
        ping: hear("ping"),
        pong: hear("pong"),
      });
      if (type !== "default") socket.binaryType = type;
      client.send("text");
      client.send("");
      client.send(new Uint8Array([1, 2, 3]));
      client.send(new Uint8Array());
      await until(() => heard === 4);
      client.socket.ping("are you there?");
      await until(() => heard === 5);
      client.socket.pong(new Uint8Array([7]));
      await until(() => heard === 6);
    });
  }

  for (const type of ["nodebuffer", "arraybuffer", "uint8array", "blob"] as const) {
    sameOnBoth(`at handlers of the app's own, with binaryType ${type}`, async (stage) => {
      let heard = 0;
      const hear = (kind: string) => (_ws: unknown, data: unknown) => {
        stage.note(kind, data);
        heard += 1;
      };
      const { client, socket } = await stage.pair();
      const websocket = { message: hear("message"), ping: hear("ping"), pong: hear("pong") };
      stage.server.reload({ fetch: () => new Response(), websocket });
      socket.binaryType = type;
      client.send(new Uint8Array([1, 2]));
      client.socket.ping("are you there?");
      client.socket.pong(new Uint8Array([7]));
      client.socket.ping();
      client.send("text");
      await until(() => heard === 5);
    });
  }

  sameOnBoth("up to the limit of a message", async (stage) => {
    const lengths: number[] = [];
    const { client } = await stage.pair(
      { message: (_ws: unknown, message: string) => void lengths.push(message.length) },
      { websocket: { maxPayloadLength: 100 } },
    );
    client.send("x".repeat(100));
    client.send("x".repeat(101));
    stage.note((await client.closed).code);
    stage.note(lengths);
  });

  sameOnBoth("and is answered before a ping right behind it is", async (stage) => {
    const { client } = await stage.pair({
      message: (ws: { send(data: string): void }, message: string) => void ws.send(message),
    });
    for (let number = 0; number < 20; number += 1) {
      const answers: string[] = [];
      const both = Promise.withResolvers<void>();
      const note = (kind: string) => (data: Buffer) => {
        if (answers.push(`${kind} ${data}`) === 2) both.resolve();
      };
      client.socket.once("message", note("message"));
      client.socket.once("pong", note("pong"));
      client.send(`${number}`);
      client.socket.ping(`${number}`);
      await within(both.promise, "both answers");
      stage.note(answers);
    }
  });

  sameOnBoth("and is answered, though its client closes at once", async (stage) => {
    const { client } = await stage.pair({
      message: (ws: { send(data: string): void }, message: string) => void ws.send(message),
    });
    client.send("one");
    client.send("two");
    client.socket.close(1000, "done");
    stage.note(await client.take(2), await client.closed);
  });
});
