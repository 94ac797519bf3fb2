/**
 * Provides Python's websockets, a client that some tests connect with. A machine can do without.
 *
 *     bun scripts/websockets.ts
 */

import { join } from "node:path";
import { asStep, installFromPyPi } from "./pypi";

/** Its virtual environment, from the root of the checkout. Not under version control. */
const LOCAL_WEBSOCKETS = ".tools/websockets";

/** What its set-up makes last. */
export const WEBSOCKETS_COMMAND = `${LOCAL_WEBSOCKETS}/bin/websockets`;

const VERSION = "15.0.1";

/** A Python of the checkout `root` that can import websockets, if any. */
export async function findWebsockets(root: string): Promise<string | undefined> {
  const command = join(root, WEBSOCKETS_COMMAND);
  return (await Bun.file(command).exists()) ? join(command, "../python") : undefined;
}

if (import.meta.main) {
  await asStep((root) => installFromPyPi(root, LOCAL_WEBSOCKETS, `websockets==${VERSION}`));
}
