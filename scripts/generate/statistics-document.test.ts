import { expect, test } from "bun:test";
import { join } from "node:path";

import { STATISTICS_DOCUMENT, statisticsDocument } from "./statistics-document";

test("the documentation lists every figure as it is; `bun run docs` writes it anew", async () => {
  const document = await Bun.file(join(import.meta.dir, "../..", STATISTICS_DOCUMENT)).text();
  expect(document).toBe(statisticsDocument());
  expect(document).toContain('`shardcast_deliveries_dropped_total{reason="queue_full"}` |');
  expect(document).toContain("| `busy_seconds` | counter |");
});
