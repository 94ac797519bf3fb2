import { join } from "node:path";

const BINARY = join(import.meta.dir, "../../target/release/load-test");

/** What the load tester reports; its other fields are described by `load-test --help`. */
export interface LoadReport {
  connected: number;
  failed: number;
  /** Clients that the server closed, by close code. */
  closed: Record<string, number>;
  messages_total: number;
  missing: number;
  out_of_order: number;
  unnumbered: number;
  min_messages: number;
  min_last_n: number | null;
}

/** A load tester with all its clients connected. */
export interface LoadTest {
  /** Resolves when it has ended. */
  report: Promise<LoadReport>;
}

/**
 * Connects independent clients, which check the number of every message, and returns once all have
 * connected, or failed to.
 *
 * @param flags as `bench/load-test` takes them, but for `--json`
 */
export async function loadTest(url: string, ...flags: string[]): Promise<LoadTest> {
  const child = Bun.spawn([BINARY, "--url", url, "--json", ...flags], { stderr: "pipe" });
  let said = "";
  const ready = Promise.withResolvers<void>();
  const listen = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      said += decoder.decode(chunk, { stream: true });
      if (said.includes("ready:")) ready.resolve();
    }
    ready.reject(new Error(`the load tester ended before its clients were connected: ${said}`));
  };
  const heard = listen();
  const report = async () => {
    const json = await new Response(child.stdout).text();
    await heard;
    if ((await child.exited) === 0) return JSON.parse(json) as LoadReport;
    throw new Error(`the load tester ended with ${child.signalCode ?? child.exitCode}: ${said}`);
  };
  const reported = report();
  // A failure reaches the code that awaits it; until then it is no unhandled rejection.
  reported.catch(() => {});
  await ready.promise;
  return { report: reported };
}
