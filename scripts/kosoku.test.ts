import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findKosoku, installKosoku, LOCAL_KOSOKU } from "./kosoku";
import { hasPython } from "./pypi";

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
  root = await mkdtemp(join(tmpdir(), "shardcast-kosoku-"));
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

test("it can be installed where there is a Python", async () => {
  expect(hasPython(tools)).toBe(false);
  await installPython(PYTHON);
  expect(hasPython(tools)).toBe(true);
});

test("one version of it is installed into the checkout, and found there", async () => {
  expect(await findKosoku(root)).toBeUndefined();
  await installPython(PYTHON);
  await installKosoku(root);
  const { command, python } = (await findKosoku(root)) ?? {};
  expect(python).toBe(join(root, LOCAL_KOSOKU, "bin/python"));
  expect(await Bun.file(String(command)).text()).toMatch(/^-m pip install .* kosoku==[\d.]+\n$/);
});

test("where Python cannot make an environment, it is not found", async () => {
  await installPython("#!/bin/sh\nexit 1\n");
  const failing = installKosoku(root);
  expect(failing).rejects.toThrow();
  await failing.catch(() => {});
  expect(await findKosoku(root)).toBeUndefined();
});
