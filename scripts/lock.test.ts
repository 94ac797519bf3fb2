import { afterEach, beforeEach, expect, mock, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exclusively } from "./lock";

/** Takes the lock of the root it is given, says so, and keeps it for as long as it lives. */
const HOLDER = `
  const { exclusively } = await import(${JSON.stringify(join(import.meta.dir, "lock.ts"))});
  await exclusively(process.argv.at(-1), async () => {
    console.log("held");
    await Bun.stdin.text();
  });
`;

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-lock-"));
});

afterEach(() => rm(root, { recursive: true }));

async function holdElsewhere() {
  const command = [process.execPath, "-e", HOLDER, root];
  const holder = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  await holder.stdout.getReader().read();
  return holder;
}

test("work waits until the other process is done", async () => {
  const holder = await holdElsewhere();
  const order: string[] = [];
  const waiting = exclusively(root, async () => void order.push("mine"));
  order.push("theirs");
  await holder.stdin.end();
  await waiting;
  expect(order).toEqual(["theirs", "mine"]);
});

test("a process that is killed leaves no lock behind", async () => {
  const holder = await holdElsewhere();
  holder.kill("SIGKILL");
  await holder.exited;
  const work = mock(async () => {});
  await exclusively(root, work);
  expect(work).toHaveBeenCalledTimes(1);
});

test("work that fails releases the lock", async () => {
  const failing = exclusively(root, () => Promise.reject(new Error("no")));
  expect(failing).rejects.toThrow("no");
  await failing.catch(() => {});
  const work = mock(async () => {});
  await exclusively(root, work);
  expect(work).toHaveBeenCalledTimes(1);
});
