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
  /** Hears the output, all of which goes on to stdout. Without a listener it goes to stderr. */
  readonly onLine?: LineListener;
}

/**
 * Runs `command` without standard input (which belongs to the server, not to its set-up) and
 * resolves to its exit code. When this process is told to end meanwhile, so is the command, and
 * then it ends.
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
  // One pipe for both streams: of two, the lines could not be told in the order they were written.
  const merged = ["sh", "-c", 'exec "$@" 2>&1', "sh", ...command];
  const child = Bun.spawn(merged, { ...options, stdout: "pipe", stderr: "inherit" });
  const [exitCode] = await Promise.all([exitCodeOf(child), passOn(child.stdout, onLine)]);
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

async function passOn(from: ReadableStream<Uint8Array>, onLine: LineListener): Promise<void> {
  const decoder = new TextDecoder();
  let unfinished = "";
  for await (const chunk of from) {
    process.stdout.write(chunk);
    const lines = (unfinished + decoder.decode(chunk, { stream: true })).split("\n");
    unfinished = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  if (unfinished !== "") onLine(unfinished);
}
