/** The same scenario under clients of other projects. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { findProgram, WEBSOCKETS } from "../../scripts/tools/python";
import { visit, whyNoBrowser, withoutBrowser } from "../server/page/browser";
import { play } from "./scenario.js";
import { serveClient } from "./server";

const HERE = import.meta.dir;
/** For a browser to start on a busy machine. */
const TIMEOUT_MS = 30_000;

const python = findProgram(join(HERE, "../.."), WEBSOCKETS, "python");
const withoutPython = python === undefined && !process.env.CI;
const whyNoPython = withoutPython ? " (skipped: no websockets, and it could not be installed)" : "";

/** What a program prints, as JSON. */
async function run(...command: string[]): Promise<unknown> {
  const child = Bun.spawn(command, { cwd: HERE, stderr: "inherit" });
  const printed = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return JSON.parse(printed);
}

describe("a client sees what it should", () => {
  test("Bun's own", () => serveClient((base) => play(WebSocket, base)));

  for (const name of ["undici", "ws"]) {
    test(
      `${name} on Node`,
      () => serveClient((base) => run("node", "node.js", name, base)),
      TIMEOUT_MS,
    );
  }

  test(
    "tungstenite from Rust",
    () => serveClient((base) => run("../../target/release/tungstenite-client", base)),
    TIMEOUT_MS,
  );

  test.skipIf(withoutPython)(
    `websockets on Python${whyNoPython}`,
    () => serveClient((base) => run(String(python), "websockets_client.py", base)),
    TIMEOUT_MS,
  );

  test.skipIf(withoutBrowser)(
    `Chromium${whyNoBrowser}`,
    () =>
      serveClient(async (base) => {
        const { page } = await visit(`${base.replace("ws", "http")}/`);
        return page.evaluate(`(${play})(WebSocket, ${JSON.stringify(base)})`);
      }),
    TIMEOUT_MS,
  );
});
