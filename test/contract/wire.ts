/** HTTP by hand, from the client's side. */

import { connect as dial, type Socket as TcpSocket } from "node:net";

import { within } from "../helpers/client";
import { until } from "./both";

/** Long enough for Elysia, which looks for the path from the 11th character of a URL on. */
export const HOST = "Host: example.test";

/** What a request ends with whose connection the server is to close. */
export const CLOSE = [HOST, "Connection: close", "", ""];

/** The fields of a proper upgrade. */
export const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** A connection on which a test writes what it likes. */
export class Wire {
  readonly #socket: TcpSocket;
  #received = "";
  /** The server has ended its side, or broken off. */
  ended = false;

  private constructor(socket: TcpSocket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (bytes: string) => {
      this.#received += bytes;
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.ended = true;
      });
    }
  }

  static open(port: number, host = "127.0.0.1"): Promise<Wire> {
    const socket = dial({ port, host, allowHalfOpen: true });
    const wire = new Wire(socket);
    return within(
      new Promise((resolve, reject) => {
        socket.on("connect", () => resolve(wire));
        socket.on("error", reject);
      }),
      "a connection",
    );
  }

  write(...lines: string[]): void {
    this.#socket.write(lines.join("\r\n"), "latin1");
  }

  /** Says that nothing more will come, and goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  get received(): string {
    return this.#received;
  }

  /** Waits for what shall have arrived. */
  async has(text: string | RegExp): Promise<void> {
    const found = () =>
      typeof text === "string" ? this.#received.includes(text) : text.test(this.#received);
    await until(found);
  }

  async end(): Promise<void> {
    await until(() => this.ended);
  }
}

/**
 * What was answered, in order of the header's names, without the time, and without what is of the
 * connection alone.
 */
export function normal(received: string): string {
  const messages = received.split(/(?=HTTP\/1\.[01] )/);
  return messages.map(normalMessage).join("\n---\n");
}

function normalMessage(message: string): string {
  const end = message.indexOf("\r\n\r\n");
  if (end < 0) return message;
  const [status = "", ...fields] = message.slice(0, end).split("\r\n");
  const named = fields
    .map((field) => field.replace(/^[^:]+/, (name) => name.toLowerCase()))
    .filter((field) => !/^(date|keep-alive|connection):/.test(field))
    .toSorted();
  return [status, ...named, "", message.slice(end + 4)].join("\n");
}
