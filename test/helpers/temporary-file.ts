import { onTestFinished } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that lasts as long as the test. What is no text is written as JSON. */
export function temporaryFile(name: string, content: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), "shardcast-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}
