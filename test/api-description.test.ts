/**
 * The documents that describe the ready-made server are valid, and what it answers is as they say.
 */

import { beforeEach, describe, expect, onTestFinished, test } from "bun:test";
import asyncApiSchema from "@asyncapi/specs/schemas/3.0.0-without-$id.json";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv";

import { createApp } from "../src/app";
import { resolveConfig } from "../src/config";
import { connect } from "./client";
import { SMALL } from "./serving";

/** The standards' own schemas use formats and keywords of which the validator knows nothing. */
const LENIENT = { strict: false, validateFormats: false } as const;

interface AsyncApi {
  channels: Record<string, { messages: Record<string, { payload: object }> }>;
}

interface OpenApi {
  paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
}

describe.each([
  ["sharded", {}],
  ["original", { useSharding: false }],
] as const)("the ready-made app, %s,", (_name, config) => {
  let http: string;

  beforeEach(() => {
    const resolved = resolveConfig({ ...SMALL, ...config });
    const { app } = createApp({ config: resolved, channels: [], apiKey: "secret" });
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

  test("describes its sockets in valid AsyncAPI", async () => {
    const validate = new Ajv(LENIENT).compile(asyncApiSchema);
    validate(await read("/asyncapi"));
    expect(validate.errors).toBeNull();
  });

  test("describes every answer that it gives", async () => {
    const { paths } = await read<OpenApi>("/openapi");
    const authorization = "Bearer secret";
    const requests = [
      ["get", "/slow-clients", "/slow-clients?top=many", { headers: { authorization } }],
      ["get", "/audit", "/audit", { headers: { authorization } }],
      ["get", "/stats", "/stats", {}],
      ["get", "/readyz", "/readyz", {}],
      ["post", "/publish/{channel}", "/publish/a", { headers: { authorization } }],
      ["post", "/publish/{channel}", "/publish/a%20b", { headers: { authorization } }],
      ["post", "/publish/{channel}", "/publish/a", {}],
    ] as const;
    for (const [method, path, url, init] of requests) {
      const { status } = await fetch(`${http}${url}`, { ...init, method: method.toUpperCase() });
      expect([path, Object.keys(paths[path]?.[method]?.responses ?? {})]).toEqual([
        path,
        expect.arrayContaining([String(status)]),
      ]);
    }
  });

  test("sends snapshots as they are described", async () => {
    const { channels } = await read<AsyncApi>("/asyncapi");
    const validate = new Ajv(LENIENT).compile(channels.live?.messages.snapshot?.payload ?? false);
    const headers = { authorization: "Bearer secret" };
    const client = await connect(`${http.replace("http", "ws")}/live`, { headers });
    validate(JSON.parse(String(await client.next())));
    expect(validate.errors).toBeNull();
  });
});
