import { join } from "node:path";

const BINARY = join(import.meta.dir, "../target/release/load-test");

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
  await ready(child.stderr);
  const report = new Response(child.stdout).json() as Promise<LoadReport>;
  return { report };
}

/** Waits for the line that says so. */
async function ready(stderr: ReadableStream<Uint8Array>): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stderr) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("ready:")) return;
  }
  throw new Error(`the load tester ended before its clients were connected: ${text}`);
}
