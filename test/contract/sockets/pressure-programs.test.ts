/**
 * Backpressure as an app sees it, by random programs: Bun's own sockets and ours run the same one,
 * and both have to keep what an app relies on. A failure prints a seed and a path, which
 * `fc.assert` takes beside `numRuns` to play it again.
 */

import { expect, test } from "bun:test";
import fc from "fast-check";

import type { ShardcastConfig } from "../../../src/index";
import type { TestClient } from "../../helpers/client";
import { type Socket, Stage, until } from "../both";

const KIB = 1 << 10;
const MIB = 1 << 20;
const RUNS = 24;
const TIMEOUT_MS = 240_000;
/** Published messages are limited by these, and not by what the programs are about. */
const ROOM = { bufferSize: 1_000_000, bufferBytes: 1 << 30 } satisfies ShardcastConfig;
const CONTESTANTS = { builtIn: undefined, sharded: ROOM };

/** What an app does to its socket, or a client to its end. */
type Step =
  | { do: "send" | "cork" | "publish"; size: number; binary: boolean; times: number }
  | { do: "ping" | "amount" | "stall" | "read" | "turn" };

interface Program {
  limit: number;
  steps: Step[];
}

const limits = fc.constantFrom(1, KIB, MIB, 4 * MIB);
const sizes = fc.oneof(
  { arbitrary: fc.integer({ min: 16, max: 64 * KIB }), weight: 2 },
  fc.integer({ min: 64 * KIB, max: MIB }),
);
const sends = fc.record({
  do: fc.constantFrom("send", "cork", "publish"),
  size: sizes,
  binary: fc.boolean(),
  times: fc.integer({ min: 1, max: 24 }),
});
const others = fc.record({ do: fc.constantFrom("ping", "amount", "stall", "read", "turn") });
const programs: fc.Arbitrary<Program> = fc.record({
  limit: limits,
  steps: fc.array(fc.oneof({ arbitrary: sends, weight: 2 }, others) as fc.Arbitrary<Step>, {
    minLength: 1,
    maxLength: 12,
  }),
});

test(
  "a random program sees backpressure as it has to be, on Bun's sockets and on ours",
  () => check(programs, run),
  TIMEOUT_MS,
);

/** An app that sends all it has, but stops at a sign of backpressure and goes on in `drain`. */
interface Pump {
  limit: number;
  size: number;
  count: number;
  /** What it stops at: an amount of so many bytes, or an answer of `send`. */
  stopsAt: { amount: number } | { answer: -1 | 0 };
  /** Whether its client reads only once the app has stopped. */
  stalls: boolean;
}

const pumps: fc.Arbitrary<Pump> = fc.record({
  limit: limits,
  size: sizes,
  count: fc.integer({ min: 1, max: 100 }),
  stopsAt: fc.oneof(
    fc.record({ amount: fc.constantFrom(1, 16 * KIB, MIB, 8 * MIB) }),
    fc.record({ answer: fc.constantFrom(-1, 0) }) as fc.Arbitrary<{ answer: -1 | 0 }>,
  ),
  stalls: fc.boolean(),
});

test(
  "an app that stops at any sign of backpressure and goes on in drain sends all, on both",
  () => check(pumps, pump),
  TIMEOUT_MS,
);

/** Plays what is generated on Bun's own sockets, then on ours. */
function check<T>(
  arbitrary: fc.Arbitrary<T>,
  play: (stage: Stage, given: T) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (given) => {
    for (const config of Object.values(CONTESTANTS)) {
      const stage = new Stage(config);
      try {
        await play(stage, given);
      } finally {
        await stage.end();
      }
    }
  });
  return fc.assert(property, { numRuns: RUNS });
}

/** A socket in use, with what its app has seen of backpressure. */
class Subject {
  /** The messages that were not answered with 0. */
  readonly taken: string[] = [];
  #takenBytes = 0;
  #receivedBytes = 0;
  #number = 0;
  /** The answers to the last message that was sent or published, and to the last that was sent. */
  #told = { last: 1, lastSent: 1 };
  /** A sign was seen, and no drain since. */
  awaitsDrain = false;

  constructor(
    private readonly stage: Stage,
    private readonly limit: number,
    readonly socket: Socket,
    readonly client: TestClient,
  ) {
    socket.subscribe("news");
    client.socket.on("message", (data: Buffer) => {
      this.#receivedBytes += data.byteLength;
    });
  }

  static async start(stage: Stage, limit: number, onDrain: () => void): Promise<Subject> {
    const hooks = { drain: onDrain };
    const websocket = { backpressureLimit: limit };
    const { client, socket } = await stage.pair(hooks, { websocket });
    return new Subject(stage, limit, socket, client);
  }

  /** Sends a message that is known by its number and its length; returns the answer. */
  send(size: number, binary: boolean, how: "send" | "publish"): number {
    const message = `${this.#number}`.padEnd(size, binary ? "b" : "t");
    this.#number += 1;
    const data = binary ? Buffer.from(message) : message;
    const answer =
      how === "send" ? this.socket.send(data) : this.stage.server.publish("news", data);
    this.#heed(answer, size, how);
    if (answer !== 0) this.taken.push(describe(data));
    return answer;
  }

  ping(): void {
    this.#heed(this.socket.ping("ping"), 0, "send");
  }

  #heed(answer: number, size: number, how: "send" | "publish"): void {
    if (answer <= 0) this.awaitsDrain = true;
    if (answer !== 0) {
      this.#told = { last: answer, lastSent: how === "send" ? answer : this.#told.lastSent };
      this.#takenBytes += size;
      return;
    }
    // With Bun a publish may fill the socket, and says so. Ours does not look at sockets.
    expect(Object.values(this.#told), "-1 comes before a refusal").toContain(-1);
    const waiting = this.#takenBytes - this.#receivedBytes;
    // A frame's header has up to 10 bytes.
    const frames = 10 * this.taken.length;
    expect(waiting + frames, "nothing is refused but past the limit").toBeGreaterThan(this.limit);
  }

  amount(): number {
    const amount = this.socket.getBufferedAmount();
    if (amount > 0) this.awaitsDrain = true;
    return amount;
  }

  /** The client reads on, and gets what it was promised; then nothing waits any more. */
  async finish(): Promise<void> {
    this.client.socket.resume();
    await until(() => !this.awaitsDrain, "a drain");
    const received = await this.client.take(this.taken.length);
    expect(received.map(describe)).toEqual(this.taken);
    await until(() => this.amount() === 0, "an amount of 0");
    await until(() => !this.awaitsDrain, "the last drain");
    // A worker may have written all and not yet have shown that its socket takes more.
    expect(this.send(16, false, "send")).not.toBe(0);
    expect(describe(await this.client.next())).toBe(this.taken.at(-1) as string);
    await until(() => !this.awaitsDrain, "the drain of the last message");
  }
}

/** A message, short enough to be printed. */
function describe(message: string | Buffer): string {
  const text = message.toString();
  const kind = typeof message === "string" ? "text" : "binary";
  return `${kind} ${Number.parseInt(text, 10)} of ${text.length}, ending in ${text.at(-1)}`;
}

async function run(stage: Stage, { limit, steps }: Program): Promise<void> {
  const subject = await Subject.start(stage, limit, () => {
    subject.awaitsDrain = false;
  });
  for (const step of steps) await take(subject, step);
  await subject.finish();
}

async function take(subject: Subject, step: Step): Promise<void> {
  switch (step.do) {
    case "send":
    case "publish":
      for (let time = 0; time < step.times; time += 1) {
        subject.send(step.size, step.binary, step.do);
      }
      break;
    case "cork":
      subject.socket.cork(() => {
        for (let time = 0; time < step.times; time += 1) {
          subject.send(step.size, step.binary, "send");
        }
      });
      break;
    case "ping":
      subject.ping();
      break;
    case "amount":
      subject.amount();
      break;
    case "stall":
      subject.client.socket.pause();
      break;
    case "read":
      subject.client.socket.resume();
      break;
    case "turn":
      await new Promise(setImmediate);
  }
}

async function pump(stage: Stage, { limit, size, count, stopsAt, stalls }: Pump): Promise<void> {
  let waits = false;
  const stops = (answer: number) => {
    // Whatever else it heeds, it has to stop here: the same message would be refused for ever.
    if (answer === 0) return true;
    return "amount" in stopsAt ? subject.amount() >= stopsAt.amount : answer === stopsAt.answer;
  };
  const goOn = () => {
    subject.awaitsDrain = false;
    waits = false;
    while (!waits && subject.taken.length < count) {
      waits = stops(subject.send(size, true, "send"));
    }
  };
  const subject = await Subject.start(stage, limit, goOn);
  if (stalls) subject.client.socket.pause();
  goOn();
  subject.client.socket.resume();
  await until(() => subject.taken.length === count, "all to be sent");
  await subject.finish();
}
