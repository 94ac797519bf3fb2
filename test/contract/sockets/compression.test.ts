/** permessage-deflate: what an app's options come to, and which messages are compressed. */

import { describe } from "bun:test";

import type { TestClient } from "../../helpers/client";
import { type Socket, type Stage, sameOnBoth, until } from "../both";

const LONG = "a tick of the clock, ".repeat(200);
const LONG_BYTES = Buffer.from(LONG);

/** Has something sent, and notes the answer and in which form it comes to the client. */
async function noteForm(stage: Stage, label: string, client: TestClient, act: () => unknown) {
  const { _socket: wire } = client.socket as unknown as { _socket: { bytesRead: number } };
  const before = wire.bytesRead;
  let sent: unknown;
  try {
    sent = act();
  } catch {
    return stage.note(label, "throws");
  }
  const message = await client.next();
  stage.note(label, sent, message.length);
  stage.note(wire.bytesRead - before < LONG.length ? "compressed" : "as it is");
}

describe("compression is agreed on and used as by Bun, with", () => {
  const DIRECTIONS = [true, false, undefined, null, "", "shared", "disable"];
  const pairs = DIRECTIONS.flatMap((compress) =>
    DIRECTIONS.map((decompress) => ({ compress, decompress })),
  );
  const options: unknown[] = [true, false, undefined, null, {}, [], 0, 1, "", "shared", ...pairs];
  options.push({ compress: "any" }, { decompress: 1 });

  /** Each option has a server of its own. */
  const play = async (stage: Stage, perMessageDeflate: unknown) => {
    const label = JSON.stringify(perMessageDeflate) ?? "undefined";
    const lengths: number[] = [];
    const hooks = { message: (_ws: unknown, text: string) => void lengths.push(text.length) };
    const websocket = { perMessageDeflate } as object;
    const pairing = stage.pair(hooks, { websocket }).catch(() => undefined);
    const pair = await pairing;
    if (!pair) return stage.note(label, "throws");
    const { client, socket } = pair;
    stage.note(label, client.socket.extensions);
    await noteForm(stage, label, client, () => socket.send(LONG, true));
    client.send(LONG);
    await until(() => lengths.length > 0);
    stage.note(lengths);
    await stage.end();
  };

  sameOnBoth("any perMessageDeflate", async (stage) => {
    for (const option of options) await play(stage, option);
  });
});

describe("a message is compressed when Bun's is:", () => {
  const THIRDS: [string, ...unknown[]][] = [
    ["nothing"],
    ["true", true],
    ["false", false],
    ["undefined", undefined],
    ["null", null],
    ["1", 1],
    ["0", 0],
    ["a word", "x"],
    ["no word", ""],
    ["an object", {}],
  ];
  type Method = (...third: unknown[]) => unknown;
  const METHODS: Record<string, (own: Socket, other: Socket, stage: Stage) => Method> = {
    send:
      (own) =>
      (...third) =>
        own.send(LONG, ...(third as [boolean])),
    sendText:
      (own) =>
      (...third) =>
        own.sendText(LONG, ...(third as [boolean])),
    sendBinary:
      (own) =>
      (...third) =>
        own.sendBinary(LONG_BYTES, ...(third as [boolean])),
    publish:
      (_, other) =>
      (...third) =>
        other.publish("news", LONG, ...(third as [boolean])),
    publishText:
      (_, other) =>
      (...third) =>
        other.publishText("news", LONG, ...(third as [boolean])),
    publishBinary:
      (_, other) =>
      (...third) =>
        other.publishBinary("news", LONG_BYTES, ...(third as [boolean])),
    "the server's publish":
      (_own, _other, { server }) =>
      (...third) =>
        server.publish("news", LONG, ...(third as [boolean])),
  };
  for (const [name, methodOf] of Object.entries(METHODS)) {
    sameOnBoth(name, async (stage) => {
      const websocket = { perMessageDeflate: true };
      const { client, socket, sockets } = await stage.pair({}, { websocket });
      await stage.connect();
      await until(() => sockets.length === 2);
      const [, other] = sockets as [Socket, Socket];
      socket.subscribe("news");
      const method = methodOf(socket, other, stage);
      for (const [label, ...third] of THIRDS) {
        await noteForm(stage, label, client, () => method(...third));
      }
    });
  }
});
