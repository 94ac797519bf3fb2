/** Error responses of the ready-made server, in one shape for every route. */

import { type AnyElysia, Elysia } from "elysia";

import type { Logger } from "../../index";

/** Each code, with the status that it goes with. */
const STATUS = {
  INVALID_CHANNEL: 400,
  INVALID_TEXT: 400,
  INVALID_QUERY: 400,
  INVALID_REQUEST: 400,
  API_KEY_REQUIRED: 401,
  ORIGIN_NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  MESSAGE_TOO_LONG: 413,
  HOST_NOT_ALLOWED: 421,
  UPGRADE_REQUIRED: 426,
  INTERNAL_ERROR: 500,
  UNKNOWN_WITHOUT_SHARDING: 501,
} as const;

/** What is wrong, for programs. The message is for people. */
export type HttpErrorCode = keyof typeof STATUS;

/** The codes of a status, for the description of the API. */
export function codesOf(status: number): HttpErrorCode[] {
  const codes = Object.keys(STATUS) as HttpErrorCode[];
  return codes.filter((code) => STATUS[code] === status);
}

/** The response for an error. */
export function httpError(
  code: HttpErrorCode,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ error: { code, message } }, { status: STATUS[code], headers });
}

/** Errors of Elysia that the client has caused. */
const REFUSED_BY_ELYSIA = new Set(["VALIDATION", "PARSE", "INVALID_COOKIE_SIGNATURE"]);

/**
 * Answers for what no route answers: with 405 where another method has one, with 426 where it is a
 * WebSocket's, and with 500 where a handler has failed, which is logged.
 *
 * @param app whose routes they are; they are looked at with the first such request
 */
export function errorResponses(app: () => AnyElysia, logger: Logger) {
  let resources: Resource[] | undefined;
  return new Elysia().onError({ as: "global" }, ({ code, error, request }) => {
    if (code === "NOT_FOUND") {
      resources ??= resourcesOf(app());
      return noRoute(request, resources);
    }
    if (REFUSED_BY_ELYSIA.has(String(code))) {
      return httpError("INVALID_REQUEST", "the request cannot be read");
    }
    logger.error({ err: error }, "a request failed");
    return httpError("INTERNAL_ERROR", "internal error: the server's log has the details");
  });
}

/** A path of the app, and the methods that it is there for. */
interface Resource {
  pattern: URLPattern;
  methods: Set<string>;
}

/** Elysia's word for the method of a WebSocket's route. */
const WEBSOCKET = "WS";

function resourcesOf({ routes }: AnyElysia): Resource[] {
  const byPath = Map.groupBy(routes, ({ path }) => path);
  return [...byPath].map(([pathname, found]) => {
    // The preflights of CORS have a route for every path, which does not make it a path.
    const methods = found.map(({ method }) => method).filter((method) => method !== "OPTIONS");
    return { pattern: new URLPattern({ pathname }), methods: new Set(methods) };
  });
}

function noRoute(request: Request, resources: readonly Resource[]): Response {
  const { host, pathname } = new URL(request.url);
  const found = resources.filter(({ pattern }) => pattern.test({ pathname }));
  const methods = new Set(found.flatMap((resource) => [...resource.methods]));
  if (methods.size === 0) {
    return httpError(
      "NOT_FOUND",
      "no route has this path: /openapi lists all but the WebSockets /stream and /live",
    );
  }
  if (methods.has(WEBSOCKET) && request.method === "GET") {
    const message = `this is a WebSocket: connect to ws://${host}${pathname}, with Upgrade: websocket`;
    return httpError("UPGRADE_REQUIRED", message, { upgrade: "websocket", connection: "upgrade" });
  }
  const allow = allowed(methods).join(", ");
  return httpError("METHOD_NOT_ALLOWED", `this path supports ${allow}`, { allow });
}

/** The methods as HTTP knows them. Elysia answers HEAD wherever it answers GET. */
function allowed(methods: ReadonlySet<string>): string[] {
  const named = [...methods].map((method) => (method === WEBSOCKET ? "GET" : method));
  return methods.has("GET") ? [...new Set([...named, "HEAD"])] : [...new Set(named)];
}
