import { expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";

import { within } from "../test/helpers/client";

const TIMEOUT_MS = 60_000;

/** Processes whose parent is `pid`, and theirs. */
async function descendants(pid: number): Promise<number[]> {
  const listed = await new Response(Bun.spawn(["ps", "-eo", "pid=,ppid="]).stdout).text();
  const pairs = listed.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const children = pairs.filter(([, parent]) => parent === pid).map(([child]) => child as number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs the demo, in a process group of its own as a terminal does, until it prints its address. */
async function runDemo() {
  const command = [process.execPath, join(import.meta.dir, "demo.ts"), "--port", "0"];
  const options = { stdout: "pipe", stderr: "pipe", detached: true } as const;
  const demo = Bun.spawn(command, options);
  let children: number[] = [];
  onTestFinished(() => {
    for (const pid of [demo.pid, ...children].filter(isAlive)) process.kill(pid, "SIGKILL");
  });
  let output = "";
  for await (const chunk of demo.stdout) {
    output += new TextDecoder().decode(chunk);
    if (output.includes("\n")) break;
  }
  children = await descendants(demo.pid);
  const url = /shows itself at (\S+)/.exec(output)?.[1] ?? "";
  return { demo, url, children };
}

/** Asks until the answer satisfies. */
async function untilOf<T>(url: string, isEnough: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = (await (await fetch(url)).json()) as T;
    if (isEnough(answer)) return answer;
    await Bun.sleep(50);
  }
}

test(
  "the demo shows a page, fast clients and slow ones, and Ctrl-C leaves nothing behind",
  async () => {
    const { demo, url, children } = await runDemo();
    expect(await (await fetch(url)).text()).toStartWith("<!doctype html>");
    const crowd = untilOf<{ total_clients: number }>(
      `${url}stats`,
      (stats) => stats.total_clients > 250,
    );
    await within(crowd, "the clients");
    const laggards = untilOf<{ id: string; lagBytes: number }[]>(
      `${url}slow-clients`,
      (slow) => slow.length > 0,
    );
    expect((await within(laggards, "a slow client"))[0]).toMatchObject({
      id: expect.stringMatching(/^bulk-/),
      lagBytes: expect.any(Number),
    });
    expect(children).toHaveLength(3);
    process.kill(-demo.pid, "SIGINT");
    expect(await within(demo.exited, "the end")).toBe(0);
    expect(children.filter(isAlive)).toEqual([]);
    expect(await new Response(demo.stderr).text()).toBe("");
  },
  TIMEOUT_MS,
);

test(
  "the demo ends when its clients do, and prints so",
  async () => {
    const { demo, children } = await runDemo();
    // The server was started first.
    process.kill(Number(children.at(-1)), "SIGKILL");
    expect(await within(demo.exited, "the end")).toBe(1);
    expect(await new Response(demo.stderr).text()).toContain("have ended: so does the demo");
    expect(children.filter(isAlive)).toEqual([]);
  },
  TIMEOUT_MS,
);
