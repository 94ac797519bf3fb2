/** The page at `/`: files as they are, without a build and without any other server. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { Elysia } from "elysia";

import { httpError } from "./api/http-errors";

const HERE = join(import.meta.dir, "page");

/** The files of the page, by what they are called under `/page/`. */
const FILES: Record<string, string> = {
  ...ownFiles("icon.svg", "colours.css", "forced-colours.css", "shards.css", "style.css"),
  ...ownFiles("tables.css", "verdict.css"),
  ...ownFiles("main.js", "channels.js", "charts.js", "clients.js", "connection.js", "dom.js"),
  ...ownFiles("figures.js", "format.js", "key.js", "links.js", "publish.js", "shards.js"),
  ...ownFiles("stream.js", "table.js", "verdict.js"),
  "uplot.js": require.resolve("uplot/dist/uPlot.esm.js"),
  "uplot.css": require.resolve("uplot/dist/uPlot.min.css"),
};

/** Scripts, styles and images of this server alone, and no frames. */
const policy = (scripts: readonly string[]) =>
  [
    "default-src 'none'",
    `script-src ${["'self'", ...scripts].join(" ")}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

const INLINE_SCRIPT = /<script>(.*?)<\/script>/gs;

interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
}

/** The routes `/` and `/page/*`. */
export function page() {
  const assets = new Map<string, Promise<Asset>>();
  const asset = (path: string) => {
    const known = assets.get(path) ?? load(path);
    assets.set(path, known);
    return known;
  };
  return new Elysia({ detail: { hide: true } })
    .get("/", async ({ request }) => answer(request, await asset(join(HERE, "index.html"))))
    .get("/page/:file", async ({ request, params }) => {
      const path = Object.hasOwn(FILES, params.file) ? FILES[params.file] : undefined;
      if (path === undefined) return httpError("NOT_FOUND", "the page does not have this file");
      return answer(request, await asset(path));
    });
}

function ownFiles(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, join(HERE, name)]));
}

async function load(path: string): Promise<Asset> {
  const file = Bun.file(path);
  const body = await file.bytes();
  const digest = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  return {
    body,
    headers: {
      "content-type": file.type,
      etag: `"${digest}"`,
      // Asked again each time, and sent again only when it has changed.
      "cache-control": "no-cache",
      "content-security-policy": policy(inlineScripts(file.type, body)),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  };
}

/** The hashes by which the policy lets the page's own inline scripts run. */
function inlineScripts(type: string, body: Uint8Array): string[] {
  if (!type.startsWith("text/html")) return [];
  const scripts = new TextDecoder().decode(body).matchAll(INLINE_SCRIPT);
  return [...scripts].map(([, script = ""]) => {
    return `'sha256-${createHash("sha256").update(script).digest("base64")}'`;
  });
}

function answer(request: Request, { body, headers }: Asset): Response {
  const isKnown = request.headers.get("if-none-match") === headers.etag;
  return isKnown ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
}
