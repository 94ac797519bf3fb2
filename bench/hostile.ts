/**
 * Attacks a server with one kind of hostile input after the other, and prints how a client fared
 * that was to be served meanwhile.
 *
 *     bun run bench:hostile
 *     bun run bench:hostile --seconds 30 --inputs 1000000
 *
 * Ends with 1 when the client missed a message or was disconnected.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";

import type { Attack, Outcomes } from "./hostile/attacker";
import type { ControlReport } from "./hostile/control";
import { KINDS } from "./hostile/kinds";
import { linesOf } from "./lines";
import { describeMachine, tableOf } from "./outcome";
import { ServerProcess } from "./server-process";

const ROOT = join(import.meta.dir, "..");
const [SERVER_CORE, ATTACKERS_CORE] = [0, 1];

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "12" },
    inputs: { type: "string", default: "1000000" },
    only: { type: "string" },
  },
});

function positive(option: "seconds" | "inputs"): number {
  const number = Number(values[option]);
  if (number > 0 && number <= 1e9) return number;
  throw new Error(`--${option} must be a number above 0, not ${values[option]}`);
}

/** Runs the control client while `attack` goes on. */
async function underControl(
  port: number,
  attack: () => Promise<Attack>,
): Promise<Attack & { control: ControlReport }> {
  const client = join(ROOT, "bench/hostile/control.ts");
  const command = ["taskset", "-c", String(ATTACKERS_CORE), process.execPath, client, `${port}`];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const ready = Promise.withResolvers<void>();
  let last = "";
  const read = linesOf(child.stdout, (line) => {
    last = line;
    if (line === "ready") ready.resolve();
  });
  void child.exited.then(() => ready.reject(new Error("the control client could not connect")));
  await ready.promise;
  const attacked = await attack();
  child.stdin.end();
  await read;
  if ((await child.exited) !== 0) throw new Error("the control client was disconnected");
  return { ...attacked, control: JSON.parse(last) as ControlReport };
}

function rowOf(name: string, result: Attack & { control: ControlReport }): string[] {
  const { messages, missing, p50Ms, p99Ms, worstMs, healthzP99Ms, healthzWorstMs } = result.control;
  const figures = [p50Ms, p99Ms, worstMs, healthzP99Ms, healthzWorstMs].map((ms) => ms.toFixed(1));
  const counts = [result.inputs, messages, missing].map((count) => count.toLocaleString("en"));
  return [name, counts[0] as string, print(result.outcomes), ...figures, ...counts.slice(1)];
}

function print(outcomes: Outcomes): string {
  const parts = Object.entries(outcomes).toSorted(([, a], [, b]) => b - a);
  return parts.map(([code, times]) => `${code} ×${times.toLocaleString("en")}`).join(", ");
}

const HEAD = [
  ...["attack", "inputs", "answers", "p50 ms", "p99 ms", "worst ms"],
  ...["healthz p99", "healthz worst", "messages", "missing"],
];

async function main(): Promise<boolean> {
  const [seconds, inputs] = [positive("seconds"), positive("inputs")];
  const command = [process.execPath, "bench/hostile/server.ts"];
  const start = { command, env: {}, flags: [], path: "/" };
  const quiet = async () => {
    await Bun.sleep(1000 * seconds);
    return { inputs: 0, outcomes: {} };
  };
  const rows: string[][] = [];
  let served = true;
  const run = async (name: string, attack: (port: number) => Promise<Attack>) => {
    await using server = await ServerProcess.start(start, SERVER_CORE, ROOT);
    const result = await underControl(server.port, () => attack(server.port));
    served &&= result.control.missing === 0;
    rows.push(rowOf(name, result));
    console.error(rows.at(-1)?.join("  "));
  };
  await run("none", quiet);
  for (const kind of KINDS.filter(({ name }) => name.includes(values.only ?? ""))) {
    const bounds = () => ({ inputs, endsAt: performance.now() + 1000 * seconds });
    await run(kind.name, (port) => kind.run(port, bounds()));
  }
  await run("none, once more", quiet);
  console.log(`${describeMachine()}\n\n${tableOf(HEAD, rows)}`);
  return served;
}

try {
  if (!(await main())) process.exit(1);
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exit(1);
}
process.exit(0);
