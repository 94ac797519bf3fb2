/** Bodies of any size pass the door in constant memory. */

import { expect, onTestFinished, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;
const SIZE = 200 * MIB;
/** A quarter of the body, and three times what is measured for an upload. A download takes less. */
const MOST_GROWTH = 48 * MIB;
const TIMEOUT_MS = 60_000;

const hasProc = process.platform === "linux";

async function serve(): Promise<{ url: string; pid: number }> {
  const path = join(import.meta.dir, "../fixtures/transfers.ts");
  const child = Bun.spawn([process.execPath, path], { stdout: "pipe", stderr: "inherit" });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const { value } = await child.stdout.getReader().read();
  const url = /listening on (\S+)/.exec(new TextDecoder().decode(value))?.[1];
  return { url: String(url), pid: child.pid };
}

/** The most memory that was ever resident. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** A body that comes as it is taken. */
function body(): ReadableStream<Uint8Array> {
  const piece = new Uint8Array(MIB);
  let left = SIZE / MIB;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      left -= 1;
      controller.enqueue(piece);
    },
  });
}

test.skipIf(!hasProc)(
  "an upload of 200 MB passes in constant memory",
  async () => {
    const { url, pid } = await serve();
    const before = peakBytes(pid);
    const response = await fetch(`${url}upload`, { method: "POST", body: body() });
    expect(await response.text()).toBe(String(SIZE));
    expect(peakBytes(pid) - before).toBeLessThan(MOST_GROWTH);
  },
  TIMEOUT_MS,
);

test.skipIf(!hasProc)(
  "a download of 200 MB passes in constant memory",
  async () => {
    const { url, pid } = await serve();
    const before = peakBytes(pid);
    const response = await fetch(`${url}download/${SIZE / (64 * 1024)}`);
    let bytes = 0;
    for await (const piece of response.body ?? []) bytes += piece.byteLength;
    expect(bytes).toBe(SIZE);
    expect(peakBytes(pid) - before).toBeLessThan(MOST_GROWTH);
  },
  TIMEOUT_MS,
);
