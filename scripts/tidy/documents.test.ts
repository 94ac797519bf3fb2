/** The documentation names what there is, and what it shows can be run. */

import { describe, expect, onTestFinished, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { Glob, Transpiler } from "bun";

import { scripts } from "../../package.json";
import { readOptions, textAskedFor } from "../../src/server/cli";
import { METRICS } from "../../src/stats/metric-table";
import { API_DOCUMENT } from "../generate/api-reference";
import { findPromtool } from "../tools/promtool";
import {
  allDocuments,
  allFiles,
  anchorsIn,
  blocksIn,
  codeIn,
  type Document,
  linksIn,
  sourceTexts,
} from "./documents";

const ROOT = join(import.meta.dir, "../..");
/** A compiler starts within seconds; this is for a machine that is busy. */
const TIMEOUT_MS = 60_000;

const promtool = await findPromtool(ROOT);
const withoutPromtool = promtool === undefined && !process.env.CI;
const whyNoPromtool = withoutPromtool ? " (skipped: no promtool)" : "";

const documents = await allDocuments();
const files = allFiles();

test("there is a document for each thing that users ask for", () => {
  const paths = documents.map(({ path }) => path);
  for (const name of ["configuration", "operations", "protocol", "api"]) {
    expect(paths).toContain(`docs/${name}.md`);
  }
});

describe.each(documents)("$path", (document) => {
  test("links to what there is", () => {
    const own = linksIn(document).filter((target) => !/^[a-z]+:/.test(target));
    expect(own.filter((target) => !leadsSomewhere(document, target))).toEqual([]);
  });

  test("names files that there are", () => {
    const names = codeIn(document).filter(looksLikeFile);
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });

  test("names metrics that there are", () => {
    const known = new Set(METRICS.map(({ name }) => name));
    known.add("shardcast_delivery_seconds").add("shardcast_delivery_seconds_bucket");
    const named = document.text.match(/\bshardcast_[a-z_]+[a-z]\b/g) ?? [];
    // A name for the compiler's configuration, not a metric's.
    const unknown = named.filter((name) => !known.has(name) && name !== "shardcast_loom");
    expect(unknown).toEqual([]);
  });
});

// The changelog names what there was before, and the API's page is generated.
const written = documents.filter(({ path }) => ![API_DOCUMENT, "CHANGELOG.md"].includes(path));

test.each(written)("$path names flags, scripts, addresses and items that there are", (document) => {
  expect(codeIn(document).filter((code) => !isKnownName(code))).toEqual([]);
});

// Of the API, declarations are shown, which by themselves are no code.
const withCode = documents.filter(({ path }) => path !== API_DOCUMENT);

test.each(withCode)("$path shows code that can be read", (document) => {
  const transpiler = new Transpiler({ loader: "ts" });
  for (const block of blocksIn("ts", document)) {
    expect(() => transpiler.transformSync(block)).not.toThrow();
  }
});

/** Whether a link's file is there, and has the heading that it names. */
function leadsSomewhere({ path }: Document, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const to = file === "" ? path : normalize(join(dirname(path), file));
  if (!isThere(to)) return false;
  if (anchor === undefined) return true;
  const document = documents.find((other) => other.path === to);
  return document !== undefined && anchorsIn(document).has(anchor);
}

/** Whether code in a sentence is the name of a file or directory of the project. */
function looksLikeFile(code: string): boolean {
  const hasExtension = /^[\w.*{},/-]+\.(ts|rs|md|js|json|toml|yml|html)$/.test(code);
  const isDirectory = /^[\w-]+(\/[\w-]+)*\/$/.test(code);
  return (hasExtension || isDirectory) && !ELSEWHERE.test(code);
}

/** What is made, not kept, or a user's. */
const ELSEWHERE = /^(native|target|node_modules|\.tools)\/|^shardcast\.(toml|json)$/;

/** All words and texts of the sources, in which each name of a document must occur. */
const sources = (await sourceTexts(files)) + textAskedFor(["--help"]);
const words = new Set(sources.match(/\w+/g));
const isWord = (name: string) => words.has(name);

/** Kinds of names, each with a check that there is one. Other code is left unread. */
const NAMES: [RegExp, (...groups: string[]) => boolean][] = [
  [/^--(?:no-)?([a-z][a-z-]+)/, isFlag],
  [/^SHARDCAST_([A-Z_]+)$/, (name) => isFlag(name.toLowerCase().replaceAll("_", "-"))],
  [/^(?:npx )?bun run ([\w:-]+)/, (name) => name in scripts],
  [/^(?:(?:GET|POST) )?(\/[a-z]+[a-z-]*)/, (path) => new RegExp(`["'\`]${path}\\b`).test(sources)],
  [/^([A-Z]\w+)(?:::|\.)(\w+)/, (type, item) => isWord(type) && isWord(item)],
  [/^([a-z]+(?:[A-Z][a-z0-9]*)+)(?:\(.*\))?$/, isWord],
];

function isKnownName(code: string): boolean {
  return NAMES.every(([pattern, isKnown]) => {
    const match = pattern.exec(code);
    return match === null || isKnown(...match.slice(1));
  });
}

function isFlag(name: string): boolean {
  const key = name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
  return isWord(key) || sources.includes(`--${name}`);
}

/** Files are named from the root, or by their last part. */
function isThere(name: string): boolean {
  const path = name.replace(/\/$/, "");
  const globs = [path, `**/${path}`, `${path}/**`, `**/${path}/**`].map((glob) => new Glob(glob));
  return files.some((file) => globs.some((glob) => glob.match(file)));
}

describe("expressions", () => {
  test.skipIf(withoutPromtool)(
    `are what Prometheus takes, in documents and in the dashboard${whyNoPromtool}`,
    async () => {
      const shown = documents.flatMap((document) => blocksIn("promql", document));
      const expressions = [...shown, ...(await dashboardExpressions())];
      expect(expressions.length).toBeGreaterThan(40);
      const rules = expressions.map((expr, n) => ({ record: `expression_${n}`, expr }));
      const file = join(await temporaryDirectory(tmpdir()), "rules.json");
      // Every JSON is YAML.
      await Bun.write(file, JSON.stringify({ groups: [{ name: "documents", rules }] }));
      const { exitCode, stderr } = Bun.spawnSync([String(promtool), "check", "rules", file]);
      expect([stderr.toString(), exitCode]).toEqual(["", 0]);
    },
  );
});

test.skipIf(withoutPromtool)(
  `configurations of Prometheus are what it takes${whyNoPromtool}`,
  async () => {
    const blocks = documents.flatMap((document) => blocksIn("yaml", document));
    expect(blocks.length).toBeGreaterThan(0);
    const directory = await temporaryDirectory(tmpdir());
    for (const [n, block] of blocks.entries()) {
      const file = join(directory, `block-${n}.yml`);
      await Bun.write(file, block);
      const command = [String(promtool), "check", "config", "--syntax-only", file];
      const { exitCode, stderr } = Bun.spawnSync(command);
      expect([stderr.toString(), exitCode]).toEqual(["", 0]);
    }
  },
);

test("the README's configuration file is one that the server takes", async () => {
  const readme = documents.find(({ path }) => path === "README.md") as Document;
  const [block = ""] = blocksIn("toml", readme);
  const file = join(await temporaryDirectory(tmpdir()), "shardcast.toml");
  await Bun.write(file, block);
  expect(readOptions(["--config", file], {})?.config).toMatchObject({
    numShards: 12,
    maxClients: 2000,
    workersPerShard: 1,
  });
});

async function dashboardExpressions(): Promise<string[]> {
  const file = Bun.file(join(ROOT, "examples/prometheus/grafana-dashboard.json"));
  const { panels } = (await file.json()) as { panels: { targets: { expr: string }[] }[] };
  // Grafana fills in what suits the width of the chart.
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "5m")),
  );
}

describe("the README's code", () => {
  const IMPORTS = `import { Elysia } from "elysia";
import { loadConfig, recommendedConfig, shardcast } from "shardcast";
`;
  // The library's types are those of its sources, so unused imports are none of the README's
  // faults.
  const TSCONFIG = {
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: ["*.ts"],
  };

  test(
    "compiles",
    async () => {
      const readme = documents.find(({ path }) => path === "README.md") as Document;
      const blocks = blocksIn("ts", readme);
      expect(blocks.length).toBeGreaterThanOrEqual(3);
      // Within the checkout, where the package knows itself by its name.
      const directory = await temporaryDirectory(join(ROOT, ".tools"));
      await Bun.write(join(directory, "tsconfig.json"), JSON.stringify(TSCONFIG));
      for (const [n, block] of blocks.entries()) {
        const code = block.startsWith("import ") ? block : IMPORTS + block;
        await Bun.write(join(directory, `block-${n}.ts`), code);
      }
      const command = [process.execPath, join(ROOT, "node_modules/.bin/tsc"), "-p", directory];
      const { exitCode, stdout } = Bun.spawnSync(command);
      expect([stdout.toString(), exitCode]).toEqual(["", 0]);
    },
    TIMEOUT_MS,
  );
});

/** A directory in `parent` that lasts as long as the test. */
async function temporaryDirectory(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  const directory = await mkdtemp(join(parent, "documents-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}
