/** A server under test: a process on a core of its own, whose write calls are counted. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Subprocess } from "bun";

import type { Start } from "./contestants";
import { linesOf } from "./lines";
import { cpuSeconds, residentBytes, stolenSeconds, threadCpuSeconds } from "./usage";

/** Counts write calls where it is preloaded; see its README lines in `bench/count-writes`. */
const COUNTER = "target/release/libcount_writes.so";
const START_TIMEOUT_MS = 20_000;

/** What a server has used up to some moment. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly writes: number;
  readonly residentBytes: number;
  /** What others on the same hardware took of the server's core. */
  readonly stolenSeconds: number;
}

export class ServerProcess {
  readonly #child: Subprocess;
  readonly #countFile: string;
  readonly #core: number;
  /** The port that it listens on. */
  readonly port: number;

  private constructor(child: Subprocess, countFile: string, core: number, port: number) {
    this.#child = child;
    this.#countFile = countFile;
    this.#core = core;
    this.port = port;
  }

  /**
   * Starts it on the core `core` and waits until it listens.
   *
   * @throws Error when it ends, or says nothing, first
   */
  static async start(start: Start, core: number, root: string): Promise<ServerProcess> {
    const countFile = join(mkdtempSync(join(tmpdir(), "shardcast-bench-")), "writes");
    writeFileSync(countFile, new Uint8Array(8));
    const child = Bun.spawn(["taskset", "-c", String(core), ...start.command], {
      cwd: root,
      env: {
        ...process.env,
        ...start.env,
        LD_PRELOAD: join(root, COUNTER),
        COUNT_WRITES: countFile,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const port = await portOf(child, start.command);
    return new ServerProcess(child, countFile, core, port);
  }

  usage(): Usage {
    return {
      cpuSeconds: cpuSeconds(this.#child.pid),
      writes: Number(readFileSync(this.#countFile).readBigUInt64LE()),
      residentBytes: residentBytes(this.#child.pid),
      stolenSeconds: stolenSeconds(this.#core),
    };
  }

  /** Seconds of CPU that each of its threads has used, by their names. */
  threads(): ReadonlyMap<string, number> {
    return threadCpuSeconds(this.#child.pid);
  }

  /** Ends it at once: what a run leaves behind in it is of no use. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    rmSync(dirname(this.#countFile), { recursive: true });
  }
}

async function portOf(child: Subprocess<"ignore", "pipe">, command: readonly string[]) {
  const timeout = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const port = Promise.withResolvers<number>();
  // Read to the end, so that the server is never kept by a full pipe.
  const listening = linesOf(child.stdout, (line) => {
    const found = /^listening (\d+)$/.exec(line)?.[1];
    if (found !== undefined) port.resolve(Number(found));
  });
  void listening.then(() =>
    port.reject(new Error(`ended before it listened: ${command.join(" ")}`)),
  );
  try {
    return await port.promise;
  } finally {
    clearTimeout(timeout);
  }
}
