import { onTestFinished } from "bun:test";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/**
 * A checkout, until the test ends, in which the dependencies are installed and nothing is built.
 *
 * @param files what is to be in it besides, or instead: their texts by their paths
 * @returns the server in it
 */
export async function checkout(files: Record<string, string> = {}): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "shardcast-checkout-"));
  onTestFinished(() => rm(root, { recursive: true }));
  // Copies: of a link, Bun looks for the addon beside the file that the link leads to.
  await cp(join(ROOT, "src"), join(root, "src"), { recursive: true });
  await cp(join(ROOT, "package.json"), join(root, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(root, "node_modules"));
  for (const [path, text] of Object.entries(files)) await Bun.write(join(root, path), text);
  return join(root, "src/server/main.ts");
}
