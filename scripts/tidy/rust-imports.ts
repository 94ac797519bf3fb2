/**
 * Reads which Rust files of a crate import which.
 *
 * A file imports the file that declares an item which it names: in a `use`, or by a path in its
 * code. A name that another file only re-exports leads on to the file that declares it. So neither
 * `mod child;` nor `pub use child::Item` alone is an import, and a child may name through its
 * parent what the parent re-exports. A child that names an item of its parent's own file, while the
 * parent names an item of the child's, goes round. Modules of tests within a file are left out.
 */

/** The segments of `a::b::c`. */
type Path = readonly string[];

/** One name that a `use` brings into scope. */
interface Use {
  readonly name: string;
  readonly path: Path;
  readonly isReExport: boolean;
}

interface Module {
  readonly file: string;
  /** The crate's directory, then the names of the modules. */
  readonly at: Path;
  readonly uses: readonly Use[];
  /** What is left without comments, strings, uses and modules of tests. */
  readonly code: string;
}

type Modules = ReadonlyMap<string, Module>;

const USE = /(\bpub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);/g;
const PATH = /(?<![\w:])\w+(?:::\w+)+/g;
const TEST_MODULE = /#\[cfg\([^\]]*\btest\b[^\]]*\)\]\s*mod \w+ \{[\s\S]*$/;
const COMMENT_OR_TEXT = /\/\/.*|\/\*[\s\S]*?\*\/|r(#+)"[\s\S]*?"\1|b?"(?:\\[\s\S]|[^"\\])*"|'"'/g;

/** What each file imports of the others, from their texts. */
export function rustImports(sources: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const read = [...sources].map(([file, text]) => readModule(file, text));
  const modules = new Map(read.map((module) => [module.at.join("::"), module]));
  return new Map(read.map((module) => [module.file, importsOf(module, modules)]));
}

function readModule(file: string, text: string): Module {
  const [crate = "", path = ""] = file.replace(/\.rs$/, "").split("/src/");
  const names = path.split("/").filter((name) => !/^(lib|main|mod)$/.test(name));
  const bare = text.replace(COMMENT_OR_TEXT, '""').replace(TEST_MODULE, "");
  const uses = [...bare.matchAll(USE)].flatMap(([, isPublic, tree = ""]) =>
    leavesOf(tree.replace(/\s+/g, " ").trim()).map((leaf) => readUse(leaf, Boolean(isPublic))),
  );
  return { file, at: [crate, ...names], uses, code: bare.replace(USE, "") };
}

/** Writes out the braces of a `use`: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`. */
function leavesOf(tree: string): string[] {
  const open = tree.indexOf("{");
  if (open === -1) return [tree.trim()];
  const prefix = tree.slice(0, open).trim();
  const parts: string[] = [];
  let [depth, part] = [0, ""];
  for (const letter of tree.slice(open + 1, tree.lastIndexOf("}"))) {
    if (letter === "{") depth += 1;
    if (letter === "}") depth -= 1;
    if (letter === "," && depth === 0) parts.push(part);
    part = letter === "," && depth === 0 ? "" : part + letter;
  }
  return [...parts, part].filter((it) => it.trim()).flatMap((it) => leavesOf(prefix + it.trim()));
}

function readUse(leaf: string, isReExport: boolean): Use {
  const [written = "", alias] = leaf.split(" as ");
  const path = written.split("::").filter((segment, index) => segment !== "self" || index === 0);
  return { name: alias ?? path.at(-1) ?? "", path, isReExport };
}

function importsOf(module: Module, modules: Modules): Set<string> {
  const named = new Set(module.code.match(/\w+/g));
  const used = module.uses.filter(({ name, isReExport }) => !isReExport || named.has(name));
  const paths = [...used.map(({ path }) => path), ...pathsIn(module.code)];
  const files = paths.map((path) => declaringFile(absolute(path, module, modules), modules));
  return new Set(files.filter((file) => file !== undefined && file !== module.file) as string[]);
}

function pathsIn(code: string): string[][] {
  return (code.match(PATH) ?? []).map((path) => path.split("::"));
}

/** A path from the crate's directory on; nothing when it leads out of the crate. */
function absolute(path: Path, module: Module, modules: Modules): Path | undefined {
  const [first = "", ...rest] = path;
  if (first === "crate") return [String(module.at[0]), ...rest];
  if (first === "self") return [...module.at, ...rest];
  if (first === "super") {
    const up = path.findIndex((segment) => segment !== "super");
    return [...module.at.slice(0, -up), ...path.slice(up)];
  }
  if (modules.has([...module.at, first].join("::"))) return [...module.at, ...path];
  const use = module.uses.find(({ name, path }) => name === first && path[0] !== first);
  const used = use && absolute(use.path, module, modules);
  return used && [...used, ...rest];
}

/** The file that declares what an absolute path names; nothing for a module or what is outside. */
function declaringFile(path: Path | undefined, modules: Modules): string | undefined {
  if (path === undefined) return undefined;
  for (let length = path.length - 1; length > 0; length--) {
    const module = modules.get(path.slice(0, length).join("::"));
    if (module === undefined) continue;
    if (modules.has(path.slice(0, length + 1).join("::"))) return undefined;
    const item = String(path[length]);
    const use = module.uses.find(({ name }) => name === item) ?? globOf(item, module, modules);
    if (use === undefined || item === "*") return module.file;
    const target = use.name === "*" ? [...use.path.slice(0, -1), item] : use.path;
    return declaringFile(absolute(target, module, modules), modules);
  }
  return undefined;
}

/** The `use child::*` by which a module has an item that it does not declare itself. */
function globOf(item: string, module: Module, modules: Modules): Use | undefined {
  const declared = new RegExp(`\\b(fn|struct|enum|trait|type|const|static|mod|union) ${item}\\b`);
  if (declared.test(module.code)) return undefined;
  return module.uses.find(
    ({ name, path }) => name === "*" && absolute(path, module, modules) !== undefined,
  );
}
