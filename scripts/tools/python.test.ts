import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram, hasPython, install, KOSOKU, recordOf } from "./python";

/**
 * Stands in for Python: the environment that it makes has a pip that notes what it is to install.
 */
const PYTHON = `#!/bin/sh
for directory; do :; done
mkdir -p "$directory/bin"
printf '#!/bin/sh\\necho "$@" > "%s/bin/kosoku"\\n' "$directory" > "$directory/bin/python"
chmod +x "$directory/bin/python"
`;

const realPath = process.env.PATH;
let root: string;
let tools: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "shardcast-python-"));
  tools = join(root, "bin");
  await mkdir(tools);
});

afterEach(() => {
  process.env.PATH = realPath;
  return rm(root, { recursive: true });
});

async function installPython(script: string): Promise<void> {
  await writeFile(join(tools, "python3"), script, { mode: 0o755 });
  process.env.PATH = `${tools}:${realPath}`;
}

test("a package can be installed where there is a Python", async () => {
  expect(hasPython(tools)).toBe(false);
  await installPython(PYTHON);
  expect(hasPython(tools)).toBe(true);
});

test("one version of it is installed into the checkout, and found there", async () => {
  expect(findProgram(root, KOSOKU, "kosoku")).toBeUndefined();
  await installPython(PYTHON);
  await install(root, KOSOKU);
  const command = findProgram(root, KOSOKU, "kosoku");
  expect(await Bun.file(String(command)).text()).toMatch(/^-m pip install .* kosoku==[\d.]+\n$/);
  expect(recordOf(KOSOKU)).toContain("/kosoku-0.1.0.dist-info/");
});

test("where Python cannot make an environment, it is not found", async () => {
  await installPython("#!/bin/sh\nexit 1\n");
  const failing = install(root, KOSOKU);
  expect(failing).rejects.toThrow();
  await failing.catch(() => {});
  expect(findProgram(root, KOSOKU, "kosoku")).toBeUndefined();
});
