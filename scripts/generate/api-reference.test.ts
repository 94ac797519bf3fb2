import { expect, test } from "bun:test";
import { join } from "node:path";

import { API_DOCUMENT, apiReference } from "./api-reference";

test("the API reference is what the doc comments say; `bun run docs` writes it anew", async () => {
  const document = await Bun.file(join(import.meta.dir, "../..", API_DOCUMENT)).text();
  expect(document).toBe(await apiReference());
  expect(document).toContain("### shardcast()");
}, 60_000);
