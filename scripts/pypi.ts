/** Installs a package from PyPI into a virtual environment of the checkout, and nowhere else. */

import { join } from "node:path";
import { $ } from "bun";

const PIP_OPTIONS = [
  "--quiet",
  "--disable-pip-version-check",
  // What is installed here has no dependencies, and needs a compiler where there is no wheel.
  ...["--no-deps", "--only-binary", ":all:"],
  // Silence of an index that ends the attempt: the tests wait for it.
  ...["--timeout", "10", "--retries", "1"],
];

/** True where there is a Python to install with; whether it will do shows in the attempt. */
export function hasPython(path: string = process.env.PATH ?? ""): boolean {
  return Bun.which("python3", { PATH: path }) !== null;
}

/**
 * Installs `requirement`, such as `kosoku==0.1.0`, into a new environment at `directory` of the
 * checkout `root`. Throws when a command fails.
 */
export async function installFromPyPi(
  root: string,
  directory: string,
  requirement: string,
): Promise<void> {
  const environment = join(root, directory);
  await $`python3 -m venv --clear ${environment}`;
  await $`${environment}/bin/python -m pip install ${PIP_OPTIONS} ${requirement}`;
}

/** Runs what a set-up step is, and ends with an exit code that tells whether its commands did. */
export async function asStep(work: (root: string) => Promise<void>): Promise<void> {
  await work(join(import.meta.dir, "..")).catch((error) => {
    // The command itself has said what is wrong.
    if (!(error instanceof $.ShellError)) throw error;
    process.exitCode = 1;
  });
}
