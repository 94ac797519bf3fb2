import { onTestFinished } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An app under `bun --hot`, whose code can be edited. */
export class HotApp {
  readonly #lines: AsyncIterator<string>;
  readonly child: Bun.Subprocess<"ignore", "pipe", "pipe">;

  private constructor(private readonly file: string) {
    const command = [process.execPath, "--hot", file];
    this.child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    this.#lines = linesOf(this.child.stdout)[Symbol.asyncIterator]();
  }

  static async start(code: string): Promise<HotApp> {
    const directory = await mkdtemp(join(tmpdir(), "shardcast-hot-"));
    const file = join(directory, "app.ts");
    await Bun.write(file, padded(code));
    const app = new HotApp(file);
    onTestFinished(async () => {
      app.child.kill();
      await app.child.exited;
      await rm(directory, { recursive: true });
    });
    return app;
  }

  /** Replaces the code. The next line is what that says. */
  async edit(code: string): Promise<void> {
    // In one write: emptied first, the file would make Bun run it twice.
    await using file = await open(this.file, "r+");
    await file.write(padded(code), 0);
  }

  /** What the app says next. */
  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    return String(value);
  }
}

/** All versions are of one length, so that each can be written over the one before. */
const LENGTH = 4096;

function padded(code: string): string {
  if (code.length > LENGTH) throw new Error(`the code has more than ${LENGTH} characters`);
  return code.padEnd(LENGTH);
}

/** What a program says, line by line. */
export async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of output) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
