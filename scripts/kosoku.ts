/**
 * Provides kosoku, which runs Autobahn's test cases against a server. Only the conformance tests
 * want it, so a machine can do without.
 *
 *     bun scripts/kosoku.ts
 */

import { join } from "node:path";
import { asStep, installFromPyPi } from "./pypi";

/** Its virtual environment, from the root of the checkout. Not under version control. */
export const LOCAL_KOSOKU = ".tools/kosoku";

/** What its set-up makes last. */
export const KOSOKU_COMMAND = `${LOCAL_KOSOKU}/bin/kosoku`;

/** Another version may have other cases: the figures of two versions are not to be compared. */
const VERSION = "0.1.0";

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

/** Installs kosoku into the checkout `root`. Throws when a command fails. */
export function installKosoku(root: string): Promise<void> {
  return installFromPyPi(root, LOCAL_KOSOKU, `kosoku==${VERSION}`);
}

if (import.meta.main) await asStep(installKosoku);
