/**
 * mitata: the small things that a message goes through, one by one. Run it with `bun run
 * bench:small`.
 */

import { Elysia } from "elysia";
import { bench, group, run } from "mitata";

import { shardcast } from "../src/index";
import { loadNative } from "../src/sharded/native";
import { loadParts } from "./parts";

/** Repeats in one call, so that the call itself counts for little. */
const TIMES = 1000;
const SIZES = [16, 128, 4096];
const BINARY = 0x82;
const MASKED = 0x80;
const LENGTH_16 = 126;

/** A client's binary message, with a masking key of zero. */
function frameOf(size: number): Uint8Array {
  const length = size < LENGTH_16 ? [MASKED | size] : [MASKED | LENGTH_16, size >> 8, size & 0xff];
  const head = [BINARY, ...length, 0, 0, 0, 0];
  const frame = new Uint8Array(head.length + size);
  frame.set(head);
  return frame;
}

const parts = loadParts();
const { fnv1a } = loadNative();
const adapter = shardcast();
const app = new Elysia({ adapter }).listen({ port: 0, hostname: "127.0.0.1" });
const message = JSON.stringify({ t: Date.now(), p: "x".repeat(100) });
const id = "3f333df6-90a4-4fda-8dd3-9485d27cee36";

group("one call from JavaScript", () => {
  bench("fnv1a of a UUID", () => fnv1a(id));
  bench("publish without subscribers: encoded, and handed to the addon", () =>
    adapter.broadcaster.publish("ticks", message),
  );
});

group(`${TIMES} times in the core: read µs as ns`, () => {
  for (const size of SIZES) {
    const [payload, frame] = [new Uint8Array(size), frameOf(size)];
    bench(`encode ${size} B`, () => parts.encode(payload, TIMES));
    bench(`decode ${size} B`, () => parts.decode(frame, TIMES));
  }
  const bell = new parts.WorkerBell();
  bench("a command to a worker that is awake", () => bell.pushToAwake(TIMES));
  bench("a command to a worker that sleeps: bell, epoll, and back to sleep", () =>
    bell.pushToAsleep(TIMES),
  );
});

group("from the core to JavaScript", () => {
  let woken = () => {};
  const events = new parts.JavaScriptEvents(() => {
    events.drain();
    woken();
  });
  bench("an event: JavaScript is woken, the event loop calls, and all is drained", async () => {
    const drained = new Promise<void>((resolve) => {
      woken = resolve;
    });
    events.emit(1);
    await drained;
  });
  bench("one of 1000 events while JavaScript is awake: read µs as ns", () => {
    events.emit(TIMES);
    events.drain();
  });
});

await run();
await app.stop();
process.exit(0);
