import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canFetchPromtool, fetchPromtool, findPromtool, LOCAL_PROMTOOL } from "./promtool";

/** Stands in for Debian's tools: a package is one file, which is promtool itself. */
const DPKG_DEB = 'mkdir -p "$3/usr/bin" && cp "$2" "$3/usr/bin/promtool"';
const DOWNLOAD = 'echo "$@" > prometheus_1_all.deb';

const realPath = process.env.PATH;
let root: string;
let tools: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-promtool-"));
  tools = join(root, "bin");
  await mkdir(tools);
});

afterEach(() => {
  process.env.PATH = realPath;
  return rm(root, { recursive: true });
});

async function install(tool: string, script = ""): Promise<void> {
  await writeFile(join(tools, tool), `#!/bin/sh\n${script}\n`);
  await chmod(join(tools, tool), 0o755);
}

/** Fetches with the tools that were installed before those of the machine. */
function fetchWithTools(isRoot: boolean): Promise<void> {
  process.env.PATH = `${tools}:${realPath}`;
  return fetchPromtool(root, isRoot);
}

test("it is fetched where Debian's tools are, and it is not on the path", async () => {
  expect(canFetchPromtool(tools)).toBe(false);
  await install("apt-get");
  expect(canFetchPromtool(tools)).toBe(false);
  await install("dpkg-deb");
  expect(canFetchPromtool(tools)).toBe(true);
  await install("promtool");
  expect(canFetchPromtool(tools)).toBe(false);
});

test("the one of the path comes before the one of the checkout", async () => {
  expect(await findPromtool(root, tools)).toBeUndefined();
  await Bun.write(join(root, LOCAL_PROMTOOL), "");
  expect(await findPromtool(root, tools)).toBe(join(root, LOCAL_PROMTOOL));
  await install("promtool");
  expect(await findPromtool(root, tools)).toBe(join(tools, "promtool"));
});

test("it is taken out of the package, of which nothing else stays", async () => {
  await install("apt-get", DOWNLOAD);
  await install("dpkg-deb", DPKG_DEB);
  await fetchWithTools(false);
  expect(await Bun.file(join(root, LOCAL_PROMTOOL)).text()).toContain("download prometheus");
  expect(await readdir(join(root, LOCAL_PROMTOOL, ".."))).toEqual(["promtool"]);
});

test("root renews lists that do not have it; any other user gets an error", async () => {
  const lists = join(root, "lists");
  await install(
    "apt-get",
    `case "$*" in *update) touch ${lists} ;; *) [ -e ${lists} ] && ${DOWNLOAD} ;; esac`,
  );
  await install("dpkg-deb", DPKG_DEB);
  const failing = fetchWithTools(false);
  expect(failing).rejects.toThrow();
  await failing.catch(() => {});
  expect(await readdir(join(root, LOCAL_PROMTOOL, ".."))).toEqual([]);
  await fetchWithTools(true);
  expect(await findPromtool(root, tools)).toBe(join(root, LOCAL_PROMTOOL));
});
