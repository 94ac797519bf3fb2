import { expect, test } from "bun:test";
import { join } from "node:path";

import { CONSTANTS_MODULE, constantsModule } from "./core-constants";

test("TypeScript's constants are the addon's; `bun run build` writes them anew", async () => {
  const path = join(import.meta.dir, "../..", CONSTANTS_MODULE);
  const module = await Bun.file(path).text();
  expect(module).toBe(await constantsModule());
  expect(module).toContain('export const PEER_HEADER = "x-shardcast-peer";');
  expect(module).toContain("export const DISCONNECT_CAUSES = [");
});
