/** Runs one command to its end. */

import { constants } from "node:os";
import type { Subprocess } from "bun";

/** Signals that ask this process to end. They are passed on, so that no child outlives the wish. */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Hears every line that a command writes, without its line break. */
export type LineListener = (line: string) => void;

/** How a command runs. */
export interface ChildOptions {
  readonly cwd: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Hears the output, which is passed through as well. Without one it all goes to stderr. */
  readonly onLine?: LineListener;
}

/**
 * Runs `command` without standard input (which belongs to the server, not to its set-up) and resolves
 * to its exit code. When this process is told to end meanwhile, so is the command, and then it ends.
 */
export async function runChild(
  command: readonly string[],
  { cwd, env, onLine }: ChildOptions,
): Promise<number> {
  const options = { cwd, env: { ...process.env, ...env }, stdin: "ignore" } as const;
  if (onLine === undefined) {
    const child = Bun.spawn([...command], { ...options, stdout: 2, stderr: "inherit" });
    return exitCodeOf(child);
  }
  const child = Bun.spawn([...command], { ...options, stdout: "pipe", stderr: "pipe" });
  const [exitCode] = await Promise.all([
    exitCodeOf(child),
    passOn(child.stdout, process.stdout, onLine),
    passOn(child.stderr, process.stderr, onLine),
  ]);
  return exitCode;
}

async function exitCodeOf(child: Subprocess): Promise<number> {
  let ending: NodeJS.Signals | undefined;
  const pass = (signal: NodeJS.Signals) => {
    ending = signal;
    child.kill(signal);
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, pass);
  const exitCode = await child.exited;
  for (const signal of ENDING_SIGNALS) process.off(signal, pass);
  // As a shell reports a command that a signal ended.
  if (ending !== undefined) process.exit(128 + constants.signals[ending]);
  return exitCode;
}

async function passOn(
  from: ReadableStream<Uint8Array>,
  to: NodeJS.WriteStream,
  onLine: LineListener,
): Promise<void> {
  const decoder = new TextDecoder();
  let unfinished = "";
  for await (const chunk of from) {
    to.write(chunk);
    const lines = (unfinished + decoder.decode(chunk, { stream: true })).split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  if (unfinished !== "") onLine(unfinished);
}
