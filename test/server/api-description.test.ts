/**
 * The document that describes the ready-made server is valid, and what it answers is as it says.
 */

import { beforeEach, describe, expect, onTestFinished, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv";
import { resolveConfig } from "../../src/config/config";
import { createApp } from "../../src/server/app";
import { connect } from "../helpers/client";
import { SMALL } from "../helpers/serving";

/** The standards' own schemas use formats and keywords of which the validator knows nothing. */
const LENIENT = { strict: false, validateFormats: false } as const;

interface Described {
  content?: Record<string, { schema: object }>;
}

interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, Described> }>>;
}

const NOT_UTF8 = new Uint8Array([0xff]);

describe.each([
  ["sharded", {}],
  ["Bun broadcaster", { useSharding: false }],
] as const)("the ready-made app, %s,", (_name, config) => {
  let http: string;

  beforeEach(() => {
    const resolved = resolveConfig({ ...SMALL, ...config });
    const { app } = createApp({ config: resolved, apiKey: "secret" });
    app.listen({ hostname: "127.0.0.1", port: 0 });
    http = `http://127.0.0.1:${app.server?.port}`;
    onTestFinished(() => app.stop(true).then(() => undefined));
  });

  const read = async <T>(path: string) => (await (await fetch(`${http}${path}`)).json()) as T;

  test("describes its HTTP in valid OpenAPI", async () => {
    const { valid, errors } = await new Validator().validate(
      await read<Record<string, unknown>>("/openapi"),
    );
    expect([valid, errors]).toEqual([true, undefined]);
  });

  /** An operation of the document, and what is to be asked of it. */
  interface Asked {
    operation: readonly [method: string, path: string];
    url: string;
    init?: RequestInit;
  }

  const headers = { authorization: "Bearer secret" };
  const withKey: Asked[] = [
    ...[
      "/healthz",
      "/readyz",
      "/stats",
      "/metrics",
      "/slow-clients",
      "/channels",
      "/departures",
      "/reconciliation",
    ].map((path) => ({
      operation: ["get", path] as const,
      url: path,
    })),
    { operation: ["get", "/slow-clients"], url: "/slow-clients?top=many" },
    { operation: ["get", "/channels"], url: "/channels?top=many" },
    { operation: ["post", "/publish/{channel}"], url: "/publish/a", init: { body: "x" } },
    { operation: ["post", "/publish/{channel}"], url: "/publish/a%20b" },
    { operation: ["post", "/publish/{channel}"], url: "/publish/a", init: { body: NOT_UTF8 } },
  ];
  const withoutKey = withKey.map((asked) => ({ ...asked, init: { ...asked.init, headers: {} } }));

  test.each([
    ["with the key", withKey],
    ["without it", withoutKey],
  ])("answers as is described, %s", async (_what, requests) => {
    const { paths } = await read<OpenApi>("/openapi");
    await connect(`${http.replace("http", "ws")}/stream?channels=a`);
    for (const { operation, url, init } of requests) {
      const [method, path] = operation;
      const answer = await fetch(`${http}${url}`, {
        headers,
        ...init,
        method: method.toUpperCase(),
      });
      const { [answer.status]: described } = paths[path]?.[method]?.responses ?? {};
      expect([url, answer.status, described]).toEqual([url, answer.status, expect.anything()]);
      const [type = ""] = (answer.headers.get("content-type") ?? "").split(";");
      const schema = described?.content?.[type]?.schema;
      expect([url, type, schema]).toEqual([url, type, expect.anything()]);
      const validate = new Ajv(LENIENT).compile(schema ?? false);
      validate(type === "application/json" ? await answer.json() : await answer.text());
      expect([url, validate.errors]).toEqual([url, null]);
    }
  });

  test("describes every answer of every route, with a schema", async () => {
    const { paths } = await read<OpenApi>("/openapi");
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    );
    const asked = new Set(withKey.map(({ operation }) => operation.join(" ")));
    expect(new Set(operations.map(({ method, path }) => `${method} ${path}`))).toEqual(asked);
    for (const { path, operation } of operations) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        const schemas = Object.values(content).map(({ schema }) => schema);
        expect([path, status, schemas.length]).toEqual([path, status, 1]);
      }
    }
  });
});
