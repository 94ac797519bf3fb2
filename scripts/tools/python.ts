/**
 * Installs a package from PyPI into a virtual environment of the checkout, and nowhere else. Only
 * some tests want one, so a machine can do without.
 *
 *     bun scripts/tools/python.ts websockets
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";

import { endAsStep } from "../child";

/** A package that has no dependencies. */
export interface PythonPackage {
  readonly name: string;
  readonly version: string;
}

/** A client that some tests connect with. */
export const WEBSOCKETS: PythonPackage = { name: "websockets", version: "15.0.1" };
/** Runs Autobahn's cases. Another version may have others: figures of two do not compare. */
export const KOSOKU: PythonPackage = { name: "kosoku", version: "0.1.0" };

const PIP_OPTIONS = [
  "--quiet",
  "--disable-pip-version-check",
  // Without a wheel it would need a compiler.
  ...["--no-deps", "--only-binary", ":all:"],
  // Silence of an index that ends the attempt: the tests wait for it.
  ...["--timeout", "10", "--retries", "1"],
];

/** True where there is a Python to install with; whether it will do shows in the attempt. */
export function hasPython(path: string = process.env.PATH ?? ""): boolean {
  return Bun.which("python3", { PATH: path }) !== null;
}

/** What pip writes last of this version, as a glob from the root of the checkout. */
export function recordOf({ name, version }: PythonPackage): string {
  return `.tools/${name}/lib/*/site-packages/${name}-${version}.dist-info/RECORD`;
}

/** A program of the package's environment in the checkout `root`, if it is there. */
export function findProgram(root: string, { name }: PythonPackage, program: string) {
  const path = join(root, ".tools", name, "bin", program);
  return existsSync(path) ? path : undefined;
}

/** Installs the package into the checkout `root`. Throws when a command fails. */
export async function install(root: string, { name, version }: PythonPackage): Promise<void> {
  const environment = join(root, ".tools", name);
  await $`python3 -m venv --clear ${environment}`;
  await $`${environment}/bin/python -m pip install ${PIP_OPTIONS} ${name}==${version}`;
}

if (import.meta.main) {
  const wanted = [WEBSOCKETS, KOSOKU].find(({ name }) => name === process.argv[2]);
  if (wanted === undefined) throw new Error(`no package ${process.argv[2]}`);
  await endAsStep((root) => install(root, wanted));
}
