/** Runs one command to its end. */

import { constants } from "node:os";
import { join } from "node:path";
import { $ } from "bun";

/** Signals that ask this process to end. They are passed on, so that no child outlives it. */
const END_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How a command runs. */
export interface ChildOptions {
  readonly cwd: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes. By default to stderr, with its errors. */
  readonly stdout?: "inherit" | 2;
  /** Called with the output and the errors, in one order, before they go on to stdout. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs `command` without standard input (which belongs to the server, not to its set-up) and
 * resolves to its exit code. Signals that end this process end the command first, and
 * then it ends.
 */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<number> {
  const { cwd, env, stdout = 2, onOutput } = options;
  // One pipe for both streams: two would lose the order of the lines.
  const merged = onOutput ? ["sh", "-c", 'exec "$@" 2>&1', "sh", ...command] : [...command];
  const child = Bun.spawn(merged, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", onOutput ? "pipe" : stdout, "inherit"],
  });
  let received: NodeJS.Signals | undefined;
  const pass = (signal: NodeJS.Signals) => {
    received = signal;
    child.kill(signal);
  };
  for (const signal of END_SIGNALS) process.on(signal, pass);
  const decoder = new TextDecoder();
  if (child.stdout instanceof ReadableStream) {
    for await (const chunk of child.stdout) {
      onOutput?.(decoder.decode(chunk, { stream: true }));
      process.stdout.write(chunk);
    }
  }
  const exitCode = await child.exited;
  for (const signal of END_SIGNALS) process.off(signal, pass);
  // As a shell reports a command that a signal ended.
  if (received !== undefined) process.exit(128 + constants.signals[received]);
  return exitCode;
}

/** Runs what a step of the set-up is; the exit code says whether it succeeded. */
export async function endAsStep(work: (root: string) => Promise<void>): Promise<void> {
  await work(join(import.meta.dir, "..")).catch((error) => {
    // The command itself has printed what is wrong.
    if (!(error instanceof $.ShellError)) throw error;
    process.exitCode = 1;
  });
}
