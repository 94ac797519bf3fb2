/**
 * Provides kosoku, which runs Autobahn's test cases against a server. Only the conformance tests want
 * it, so a machine can do without.
 *
 *     bun scripts/kosoku.ts
 *
 * It is installed from PyPI into a virtual environment of the checkout, and nowhere else.
 */

import { join } from "node:path";
import { $ } from "bun";

/** Its virtual environment, from the root of the checkout. Not under version control. */
export const LOCAL_KOSOKU = ".tools/kosoku";

/** What its set-up makes last. */
export const KOSOKU_COMMAND = `${LOCAL_KOSOKU}/bin/kosoku`;

/** Another version may have other cases: the figures of two versions are not to be compared. */
const VERSION = "0.1.0";

const PIP_OPTIONS = [
  "--quiet",
  "--disable-pip-version-check",
  // It has no dependencies, and needs a compiler where there is no wheel.
  ...["--no-deps", "--only-binary", ":all:"],
  // Silence of an index that ends the attempt: the tests wait for it.
  ...["--timeout", "10", "--retries", "1"],
];

/** The commands of an installed kosoku. */
export interface Kosoku {
  /** Runs the cases. */
  readonly command: string;
  /** A Python that can import it. */
  readonly python: string;
}

/** The kosoku of the checkout `root`, if any. */
export async function findKosoku(root: string): Promise<Kosoku | undefined> {
  const command = join(root, KOSOKU_COMMAND);
  if (!(await Bun.file(command).exists())) return undefined;
  return { command, python: join(command, "../python") };
}

/** True where there is a Python to install it with; whether it will do shows in the attempt. */
export function canInstallKosoku(path: string = process.env.PATH ?? ""): boolean {
  return Bun.which("python3", { PATH: path }) !== null;
}

/** Installs kosoku into the checkout `root`. Throws when a command fails. */
export async function installKosoku(root: string): Promise<void> {
  const directory = join(root, LOCAL_KOSOKU);
  await $`python3 -m venv --clear ${directory}`;
  await $`${directory}/bin/python -m pip install ${PIP_OPTIONS} kosoku==${VERSION}`;
}

if (import.meta.main) {
  await installKosoku(join(import.meta.dir, "..")).catch((error) => {
    // The command itself has said what is wrong.
    if (!(error instanceof $.ShellError)) throw error;
    process.exitCode = 1;
  });
}
