import { expect, test } from "bun:test";
import { join } from "node:path";

import { CONFIGURATION_DOCUMENT, withTable } from "./configuration-table";

test("the documentation lists every key as it is; `bun run docs` writes it anew", async () => {
  const path = join(import.meta.dir, "../..", CONFIGURATION_DOCUMENT);
  const document = await Bun.file(path).text();
  expect(document).toBe(withTable(document));
  expect(document).toContain("| `numShards` | `4` | 1 to 1024 shards |");
  expect(document).toContain("`--no-send-pings`, `SHARDCAST_SEND_PINGS`");
  expect(document).toContain("`--publish-to-self`, `SHARDCAST_PUBLISH_TO_SELF`");
});

test("a document without a place for the table is refused", () => {
  expect(() => withTable("# Configuration")).toThrow("no place for a table");
});
