/** Sockets whose client ends its side of the connection, without a close frame, and reads on. */

import { describe } from "bun:test";

import { sameOnBoth, until } from "../both";
import { HOST, UPGRADE, Wire } from "../wire";

/** A short text as a client sends it, masked with nothing. */
function frame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}

describe("a client that ends its side is left as by Bun", () => {
  for (const [name, frames] of [
    ["when it has said nothing", []],
    ["when what it said is answered", ["one", "two"]],
  ] as [string, string[]][]) {
    sameOnBoth(name, async (stage) => {
      const heard: unknown[] = [];
      stage.serve((app) =>
        app.ws("/", {
          open: (ws) => void ws.send("hello"),
          message(ws, text) {
            heard.push(text);
            ws.send(`re: ${text}`);
          },
          close: (_ws, code) => void heard.push(code),
        }),
      );
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", HOST, ...UPGRADE, "", "");
      await wire.has("hello");
      wire.write(frames.map(frame).join(""));
      wire.halfClose();
      await wire.end();
      await until(() => heard.length > frames.length);
      stage.note(...heard, wire.received.slice(wire.received.indexOf("hello")));
      wire.close();
    });
  }
});
