/** Reads the project's Markdown, for the tests that hold it to what there is. */

import { join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "../..");

/** A Markdown file. */
export interface Document {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

const DIRECTORIES = [".ci", "bench", "core-rs", "docs", "examples", "scripts", "src", "test"];

/** Every Markdown file that people read. */
export async function allDocuments(): Promise<Document[]> {
  const paths = allFiles().filter((path) => path.endsWith(".md"));
  const read = async (path: string) => ({ path, text: await Bun.file(join(ROOT, path)).text() });
  return Promise.all(paths.map(read));
}

/** Every file of the project, from the root of the checkout; nothing that is installed or built. */
export function allFiles(): string[] {
  const patterns = ["*", ...DIRECTORIES.map((directory) => `${directory}/**`)];
  const paths = patterns.flatMap((pattern) => [
    ...new Glob(pattern).scanSync({ cwd: ROOT, dot: true }),
  ]);
  return paths.filter((path) => !/(^|\/)(node_modules|target)\//.test(path)).toSorted();
}

/** The texts of all source files among `files`, as one. */
export async function sourceTexts(files: readonly string[]): Promise<string> {
  const sources = files.filter((path) => /\.(rs|ts|js|html|json|toml)$/.test(path));
  const texts = sources.map((path) => Bun.file(join(ROOT, path)).text());
  return (await Promise.all(texts)).join("\n");
}

/** The texts of the code blocks in a language, such as `promql`. */
export function blocksIn(language: string, { text }: Document): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(([, block]) => String(block));
}

/** What stands between backticks. */
export function codeIn({ text }: Document): string[] {
  return [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code]) => String(code));
}

/** Where the links lead: an address, a path, an anchor, or a path with one. */
export function linksIn({ text }: Document): string[] {
  const prose = withoutBlocks(text).replace(/`[^`\n]+`/g, "code");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => String(target));
}

/** What a link can name in a document: its headings, as GitHub names them, and anchors of HTML. */
export function anchorsIn({ text }: Document): Set<string> {
  const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => String(id)));
  for (const [, heading] of withoutBlocks(text).matchAll(/^#+ (.*)$/gm)) {
    const slug = slugOf(String(heading));
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function slugOf(heading: string): string {
  const letters = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M} _-]/gu, "");
  return letters.replaceAll(" ", "-");
}

function withoutBlocks(text: string): string {
  return text.replace(/^```.*?^```$/gms, "");
}
