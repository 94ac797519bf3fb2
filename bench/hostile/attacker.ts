/** Raw connections for attackers, many at a time. */

import { connect, type Socket } from "node:net";

/** Of what a stranger may do at once: as many connections as one machine makes without effort. */
const CONCURRENCY = 64;
/** An attacker waits no longer for an answer. */
const ANSWER_TIMEOUT_MS = 5000;

/** How often each answer came: a status, a close code, or `none`. */
export type Outcomes = Record<string, number>;

/** When an attack ends: at so many inputs, or at a time. */
export interface Bounds {
  readonly inputs: number;
  readonly endsAt: number;
}

/** What an attack has sent, and what was answered. */
export interface Attack {
  readonly inputs: number;
  readonly outcomes: Outcomes;
}

/** Does one attack after the other on several connections, until the bounds are met. */
export async function volley(
  { inputs, endsAt }: Bounds,
  inputsEach: number,
  attack: (number: number) => Promise<string>,
  concurrency = CONCURRENCY,
): Promise<Attack> {
  const outcomes: Outcomes = {};
  let sent = 0;
  const one = async () => {
    while (sent < inputs && performance.now() < endsAt) {
      sent += inputsEach;
      const outcome = await attack(sent);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return { inputs: sent, outcomes };
}

/** One connection of an attacker. */
export class Attacker {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("data", (data: Buffer) => {
      // The last bytes hold a close frame, the first a status line: the middle is of no interest.
      this.#received = Buffer.concat([this.#received, data]);
      if (this.#received.length > 65_536) {
        const [first, last] = [this.#received.subarray(0, 512), this.#received.subarray(-4096)];
        this.#received = Buffer.concat([first, last]);
      }
      this.#wake();
    });
    for (const event of ["end", "close"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static async open(port: number): Promise<Attacker> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const attacker = new Attacker(socket);
    await new Promise<void>((resolve) => {
      socket.once("connect", resolve);
      socket.once("close", resolve);
    });
    return attacker;
  }

  /** Resolves once the bytes are on their way, or the connection is gone. */
  async write(bytes: string | Buffer): Promise<void> {
    const raw = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    if (this.#socket.write(raw) || this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#socket.once("drain", resolve);
      this.#socket.once("close", resolve);
    });
  }

  /** Says that nothing more comes. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Breaks the connection off. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** The status that the first answer has; `none` when the connection ends without one. */
  async status(): Promise<string> {
    await this.#until(() => this.#received.includes("\r\n"));
    return /^HTTP\/1\.1 (\d{3})/.exec(this.#received.subarray(0, 16).toString())?.[1] ?? "none";
  }

  /** The code of the close frame that the server ends with; `none` when it sends none. */
  async closeCode(): Promise<string> {
    await this.#until(() => this.#ended);
    const at = this.#received.lastIndexOf(Buffer.from([0x88]));
    const code = at >= 0 && at + 4 <= this.#received.length && this.#received.readUInt16BE(at + 2);
    return code && code >= 1000 && code < 5000 ? String(code) : "none";
  }

  async #until(holds: () => boolean): Promise<void> {
    const endsAt = performance.now() + ANSWER_TIMEOUT_MS;
    while (!holds() && !this.#ended && performance.now() < endsAt) {
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      const timer = setTimeout(woken.resolve, ANSWER_TIMEOUT_MS);
      await woken.promise;
      clearTimeout(timer);
    }
  }
}
