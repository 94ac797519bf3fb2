/**
 * The package as an app of one's own gets it: packed, with what it says it depends on, and no more.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";

import { dependencies, peerDependencies, version } from "../package.json";

const ROOT = join(import.meta.dir, "..");
const TIMEOUT_MS = 120_000;

const APP = `
import { Elysia } from "elysia";
import { createBroadcaster, PrometheusCollector, shardcast } from "shardcast";

const collector = new PrometheusCollector();
const broadcaster = createBroadcaster(
  { numShards: 1, workersPerShard: 1, maxClients: 10 },
  {},
  collector,
);
const app = new Elysia({ adapter: shardcast(broadcaster) })
  .ws("/", {
    open(ws) {
      ws.subscribe("ticks");
      broadcaster.publish("ticks", "hello");
    },
  })
  .listen({ hostname: "127.0.0.1", port: 0 });
const socket = new WebSocket(String(app.server?.url).replace("http", "ws"));
socket.onmessage = async ({ data }) => {
  const metrics = await collector.metrics();
  console.log(data, metrics.includes("shardcast_clients"));
  process.exit();
};
`;

/** An app whose types a front end wants, and which uses some of the library's. */
const TYPED = `
import { Elysia, t } from "elysia";
import { type BroadcasterState, createBroadcaster, shardcast } from "shardcast";

const broadcaster = createBroadcaster({ numShards: 1 });
export const state: BroadcasterState = broadcaster.state;
// @ts-expect-error The types are known: a channel is a text.
broadcaster.publish(1, "hello");
export const app = new Elysia({ adapter: shardcast(broadcaster) })
  .get("/hello", () => "hi")
  .ws("/chat", {
    body: t.Object({ text: t.String() }),
    message: (ws, { text }) => void ws.send(text),
  });
export type App = typeof app;
`;

/** A browser's program that knows the server by its type alone. */
const FRONT_END = `
import type { App } from "./typed.js";
export type Hello = App["~Routes"]["hello"]["get"]["response"][200];
export const hello: Hello = "hi";
`;

/** Settings of Vite's template for a browser, which knows no types of Bun. */
const VITE = {
  target: "ES2022",
  lib: ["ES2022", "DOM", "DOM.Iterable"],
  module: "ESNext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  types: [],
  strict: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
};

const SERVER = { target: "ESNext", module: "Preserve", types: ["bun-types"], strict: true };

/** What apps tell the compiler, and which of their files it is about. */
const SETTINGS: [name: string, file: string, settings: object][] = [
  ["a server", "typed.ts", SERVER],
  ["nodenext", "typed.ts", { ...SERVER, module: "nodenext" }],
  ["erasableSyntaxOnly", "typed.ts", { ...SERVER, erasableSyntaxOnly: true }],
  ["no strictness", "typed.ts", { ...SERVER, strict: false }],
  ["an older library", "typed.ts", { ...SERVER, lib: ["ES2022"] }],
  [
    "all that is strict",
    "typed.ts",
    {
      ...SERVER,
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
      noUncheckedIndexedAccess: true,
      noImplicitOverride: true,
      verbatimModuleSyntax: true,
    },
  ],
  ["a front end", "browser.ts", VITE],
  [
    "a front end by Node's rules",
    "browser.ts",
    { ...VITE, module: "nodenext", moduleResolution: "nodenext" },
  ],
];

/** A project into which the package is unpacked, and linked what it depends on. */
async function project(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "shardcast-project-"));
  const modules = join(directory, "node_modules");
  await mkdir(join(modules, "shardcast"), { recursive: true });
  const pack = $`${process.execPath} pm pack --quiet --destination ${directory}`.cwd(ROOT).quiet();
  const packed = (await pack.text()).trim();
  await $`tar xzf ${packed} --strip-components=1 -C ${join(modules, "shardcast")}`;
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), "bun-types"]) {
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
  await Bun.write(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  await Bun.write(join(directory, "app.ts"), APP);
  await Bun.write(join(directory, "typed.ts"), TYPED);
  await Bun.write(join(directory, "browser.ts"), FRONT_END);
  return directory;
}

let directory: string;
beforeAll(async () => {
  directory = await project();
}, TIMEOUT_MS);
afterAll(() => rm(directory, { recursive: true }));

/** Runs a program in the project. */
async function run(command: string[]): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd: directory, timeout: TIMEOUT_MS, stdout: "pipe", stderr: "pipe" } as const;
  const child = Bun.spawn(command, options);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, stderr };
}

/** What the compiler finds. */
async function compile(file: string, settings: object): Promise<string> {
  const config = join(directory, `tsconfig.${Bun.hash(JSON.stringify([file, settings]))}.json`);
  const compilerOptions = { skipLibCheck: true, noEmit: true, ...settings };
  await Bun.write(config, JSON.stringify({ compilerOptions, files: [file] }));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  return (await run([process.execPath, tsc, "--pretty", "false", "--project", config])).stdout;
}

test("is what the README says how to add", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  expect(readme).toContain(`bun add elysia ../shardcast/shardcast-${version}.tgz`);
});

test("serves an app that has added it, with the addon that is packed", async () => {
  expect(await run([process.execPath, "app.ts"])).toEqual({ stdout: "hello true\n", stderr: "" });
});

test("serves an app that is compiled into one file", async () => {
  await run([process.execPath, "build", "--compile", "app.ts", "--outfile", "compiled"]);
  await mkdir(join(directory, "elsewhere"), { recursive: true });
  await rename(join(directory, "compiled"), join(directory, "elsewhere/compiled"));
  expect((await run(["elsewhere/compiled"])).stdout).toBe("hello true\n");
});

test.each(SETTINGS)(
  "compiles with an app that has other settings: %s",
  async (_name, file, settings) => {
    expect(await compile(file, settings)).toBe("");
  },
);

test("has declarations that are right by themselves", async () => {
  const settings = { ...SERVER, module: "nodenext", skipLibCheck: false };
  const errors = (await compile("typed.ts", settings)).split("\n");
  expect(errors.filter((line) => line.startsWith("node_modules/shardcast"))).toEqual([]);
});

test("has its sources in its source maps", async () => {
  const map = join(directory, "node_modules/shardcast/dist/elysia/adapter.js.map");
  const { sourcesContent } = await Bun.file(map).json();
  expect(sourcesContent).toEqual([await Bun.file(join(ROOT, "src/elysia/adapter.ts")).text()]);
});
