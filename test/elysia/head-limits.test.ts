import { afterEach, expect, test } from "bun:test";
import http from "node:http";
import { join } from "node:path";

import { resolveConfig } from "../../src/config/config";
import { Stage } from "../contract/both";
import { answersTo, requestOf, TAKEN, tellingRoutes } from "../contract/http/request-heads";
import { serve } from "../helpers/serving";

const bun: { maxHeaderSize: number } = http;
const BUNS_DEFAULT = 16_384;

afterEach(() => {
  bun.maxHeaderSize = BUNS_DEFAULT;
});

/** What is answered to heads with cookies of these sizes, plain and at an upgrade. */
function statuses(flags: string[], config: object, sizes: number[]): unknown {
  const path = join(import.meta.dir, "../fixtures/large-heads.ts");
  const args = [...flags, path, JSON.stringify(config), ...sizes.map(String)];
  const { stdout, stderr } = Bun.spawnSync([process.execPath, ...args]);
  return JSON.parse(stdout.toString() || JSON.stringify(stderr.toString()));
}

test("a head may be as long as the config says, whatever the way", () => {
  expect(statuses([], {}, [30_000, 33_000])).toEqual([200, 200, 431, 431]);
  expect(statuses([], { maxHeadBytes: 60_000 }, [59_000, 61_000])).toEqual([200, 200, 431, 431]);
});

test("a head may be as long as the process says, where the config says nothing", () => {
  const flags = ["--max-http-header-size=65536"];
  expect(statuses(flags, {}, [65_000, 66_000])).toEqual([200, 200, 431, 431]);
  expect(statuses(flags, { maxHeadBytes: 1000 }, [500, 1100])).toEqual([200, 200, 431, 431]);
});

test("what Bun is made to take is not taken for what the app has set", () => {
  expect(resolveConfig().maxHeadBytes).toBe(32_768);
  serve({ maxHeadBytes: 50_000 }, (app) => app);
  expect(bun.maxHeaderSize).toBeGreaterThan(50_000);
  expect(resolveConfig().maxHeadBytes).toBe(32_768);
  bun.maxHeaderSize = 8192;
  expect(resolveConfig().maxHeadBytes).toBe(8192);
  bun.maxHeaderSize = 1;
  expect(resolveConfig().maxHeadBytes).toBe(256);
});

test("an app that finds the path behind a short host is asked with one", async () => {
  const requests = [false, true].flatMap((isUpgrade) =>
    ["a", "a.b:80"].map((host) => requestOf({ host, target: "/a/b" }, isUpgrade)),
  );
  const asked = async (options: object) => {
    const stage = new Stage({});
    stage.serve(tellingRoutes, options);
    const answers = await answersTo(stage.port, requests);
    await stage.end();
    return answers.map((answer) => answer.slice(0, 3));
  };
  expect(await asked({})).toEqual(Array(4).fill("400"));
  const handler = { standardHostname: false };
  expect(await asked({ handler })).toEqual(Array(4).fill(`${TAKEN}`));
  expect(await asked({ handler, aot: false })).toEqual(Array(4).fill("400"));
});
