import { expect, test } from "bun:test";
import { join } from "node:path";

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

test("the demo serves slow and fast clients, and leaves nothing behind when it is interrupted", async () => {
  const command = [process.execPath, join(import.meta.dir, "demo.ts"), "--port", "0"];
  const demo = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const reader = demo.stdout.getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value } = await reader.read();
    said += new TextDecoder().decode(value);
  }
  const url = /shows itself at (\S+)/.exec(said)?.[1];
  const clients = async () => {
    const stats = await (await fetch(`${url}stats`)).json();
    return (stats as { total_clients: number }).total_clients;
  };
  while ((await clients()) < 250) await Bun.sleep(50);
  const children = await descendants(demo.pid);
  expect(children.length).toBeGreaterThanOrEqual(2);
  demo.kill("SIGINT");
  expect(await demo.exited).toBe(0);
  expect(children.filter(isAlive)).toEqual([]);
}, 60_000);
