/** The kinds of hostile input, each of which has done harm once. */

import { deflateRawSync } from "node:zlib";

import { type Attack, Attacker, type Bounds, volley } from "./attacker";

/** One kind of attack. */
export interface Kind {
  readonly name: string;
  run(port: number, bounds: Bounds): Promise<Attack>;
}

const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
const MIB = 1024 * 1024;
const FIN_TEXT = 0x81;
const FIN_PING = 0x89;
const COMPRESSED = 0x40;

function upgrade(path: string, fields = ""): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`
  );
}

/** A masked frame, with a key of zeros. */
function frame(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  head[0] = first;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/** A connection that has become a WebSocket. */
async function webSocket(port: number, path: string, fields = ""): Promise<Attacker> {
  const attacker = await Attacker.open(port);
  await attacker.write(upgrade(path, fields));
  await attacker.status();
  return attacker;
}

/** Sends the same bytes on a WebSocket, and waits for the close. */
function frames(name: string, path: string, bytes: Buffer, inputsEach = 1, fields = ""): Kind {
  return {
    name,
    run: (port, bounds) =>
      volley(
        bounds,
        inputsEach,
        async () => {
          const attacker = await webSocket(port, path, fields);
          await attacker.write(bytes);
          await attacker.write(frame(0x88, Buffer.from([0x03, 0xe8])));
          const code = await attacker.closeCode();
          attacker.reset();
          return code;
        },
        8,
      ),
  };
}

/** Sends heads, each of its own connection, and waits for the answer. */
function heads(name: string, headOf: (number: number) => string): Kind {
  return {
    name,
    run: (port, bounds) =>
      volley(bounds, 1, async (number) => {
        const attacker = await Attacker.open(port);
        await attacker.write(headOf(number));
        const status = await attacker.status();
        attacker.reset();
        return status;
      }),
  };
}

const abandoned: Kind = {
  name: "upgrades that are abandoned at once, a third of them in two writes",
  run: (port, bounds) =>
    volley(bounds, 1, async (number) => {
      const attacker = await Attacker.open(port);
      const head = upgrade(`/stream?n=${number}`, `X-Kind: ${number % 500}\r\n`);
      const cut = number % 3 === 0 ? 60 : head.length;
      await attacker.write(head.slice(0, cut));
      await attacker.write(head.slice(cut));
      if (number % 2 === 0) attacker.halfClose();
      attacker.reset();
      return "reset";
    }),
};

const trailers: Kind = {
  name: "uploads in chunks with a trailer, read by the handler",
  run: (port, bounds) =>
    volley(bounds, 1, async () => {
      const attacker = await Attacker.open(port);
      await attacker.write(
        "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n" +
          "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" +
          "X-Sum: GET /healthz HTTP/1.1\r\n\r\n",
      );
      const status = await attacker.status();
      attacker.reset();
      return status;
    }),
};

const stalledUploads: Kind = {
  name: "uploads that stop after a byte, 200 at a time",
  run: (port, bounds) =>
    volley(
      bounds,
      1,
      async () => {
        const attacker = await Attacker.open(port);
        await attacker.write(
          "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx",
        );
        await Bun.sleep(500);
        attacker.reset();
        return "reset";
      },
      200,
    ),
};

const unfinished: Kind = {
  name: "8 MiB of a message that never ends, and pings",
  run: (port, bounds) =>
    volley(
      bounds,
      1,
      async () => {
        const attacker = await webSocket(port, "/handled");
        const half = Buffer.alloc(4 * MIB, "x");
        await attacker.write(frame(0x01, half));
        await attacker.write(frame(0x00, half));
        for (let ping = 0; ping < 10; ping += 1) {
          await attacker.write(frame(FIN_PING, Buffer.from("?")));
          await Bun.sleep(50);
        }
        attacker.reset();
        return "reset";
      },
      12,
    ),
};

const brackets = Buffer.alloc(16 * MIB - 1, "[");
const tiny = Buffer.concat(Array.from({ length: 20_000 }, () => frame(FIN_TEXT, Buffer.from("x"))));
/** Fixed blocks that hold nothing: two bytes each, and no output. */
const emptyBlocks = Buffer.alloc(8 * MIB, Buffer.from([0x03, 0x00]));
const cutShort = deflateRawSync(Buffer.alloc(100_000, "[1,2,3]")).subarray(0, -20);

const SMUGGLED = [
  "Dummy: x\nContent-Length: 23",
  "Content-Length: 5\r\nTransfer-Encoding: chunked",
  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
  "Content-Length : 5",
  "X: a\r\n b",
  "Content-Length: +5",
  "X: \x00",
];

export const KINDS: readonly Kind[] = [
  abandoned,
  heads("upgrades with a head of their own each", (number) =>
    upgrade("/stream", `X-User: ${number}\r\nCookie: ${"c=1; ".repeat(200)}\r\n`),
  ),
  heads(
    "heads that two servers read in two ways",
    (number) =>
      `POST /upload HTTP/1.1\r\nHost: localhost\r\n${SMUGGLED[number % SMUGGLED.length]}\r\n\r\n`,
  ),
  heads("targets with invalid bytes", (number) => {
    const byte = String.fromCharCode(number % 256);
    return `GET /healthz?x=${byte}{"a":1} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  }),
  trailers,
  stalledUploads,
  frames("16 MiB of [ for a route without a handler", "/stream", frame(FIN_TEXT, brackets)),
  frames("16 MiB of [ for a handler", "/handled", frame(FIN_TEXT, brackets)),
  frames(
    "16 MiB of [ for a handler, in 16 KiB on the wire",
    "/handled",
    frame(FIN_TEXT | COMPRESSED, deflateRawSync(brackets)),
    1,
    DEFLATE,
  ),
  frames(
    "deflated blocks without output",
    "/handled",
    frame(FIN_TEXT | COMPRESSED, emptyBlocks),
    1,
    DEFLATE,
  ),
  frames(
    "deflated messages that are cut short",
    "/handled",
    frame(FIN_TEXT | COMPRESSED, cutShort),
    1,
    DEFLATE,
  ),
  unfinished,
  frames("messages of one byte, 20,000 in a row", "/handled", tiny, 20_000),
];
