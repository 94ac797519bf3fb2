import type { Server } from "bun";
import { type AnyElysia, status, ValidationError } from "elysia";
import { parseSetCookies } from "elysia/adapter/utils";
import type { Context } from "elysia/context";
import { serializeCookie } from "elysia/cookies";
import { getSchemaValidator } from "elysia/schema";
import { isNotEmpty, randomId } from "elysia/utils";
import { createHandleWSResponse, createWSMessageParser } from "elysia/ws";
import type { ServerWebSocket } from "elysia/ws/bun";
import type { AnyWSLocalHook } from "elysia/ws/types";

import { madeWhenAsked, needsCookies, type RouteData } from "./route-data";
import { RouteSocket } from "./route-socket";

type RawSocket = ServerWebSocket<RouteData>;

/** What Elysia makes of a schema, as far as it is needed here. */
type Validator =
  | { provider: "typebox"; Check(value: unknown): boolean }
  | { provider: "standard"; schema: { "~standard": StandardValidator } };
interface StandardValidator {
  validate(value: unknown): { issues?: unknown };
}

/** What Elysia prepares for a route's handler. */
type Prepared = Context & { url: string };

/** Answers for what a handler of the route throws. */
type ErrorHandler = (context: object) => unknown;

/**
 * Adds a WebSocket route to an app, as Elysia's own adapter for Bun does.
 *
 * That one makes some 15 functions for each client, which may come by thousands in a moment and
 * stay for days. Here all of them are the route's, and a client has its context alone.
 */
export function addWebSocketRoute(app: AnyElysia, path: string, options: AnyWSLocalHook): void {
  const { parse, body, response, ...hooks } = options;
  const handler = upgradeHandler(app, options);
  app.route("WS", path, handler as never, { ...hooks, websocket: options } as never);
}

/**
 * Upgrades the request of a client that no hook has refused.
 *
 * Elysia reads the text of such a function, and prepares in the context what it finds named there:
 * everything for one that hands the context on.
 */
function upgradeHandler(app: AnyElysia, options: AnyWSLocalHook): (context: Context) => unknown {
  const route = new WebSocketRoute(app, options);
  const { upgrade } = options;
  if (typeof upgrade === "function") {
    return async (context) => {
      await upgrade.call(options, context);
      return route.accept(context, context.server);
    };
  }
  if (needsCookies(app, options)) return (context) => route.accept(context, context.server);
  return (context) => {
    const { headers, path, query, request, route: pattern, server, set, url } = context as Prepared;
    const named = { headers, path, query, request, route: pattern, set, url };
    return route.accept({ ...named, ...(context as object) }, server);
  };
}

/** What all clients of a route have in common. */
class WebSocketRoute {
  readonly #messages: Validator | undefined;
  readonly #parse: ReturnType<typeof createWSMessageParser>;
  readonly #respond: ReturnType<typeof createHandleWSResponse>;
  /** Is in each `ws.data`, where Elysia's handlers for the sockets of all routes look for it. */
  readonly #handlers: object;
  /** What each `ws.data` inherits. */
  readonly #inherited: object;
  #server: Server<unknown> | null = null;

  constructor(
    private readonly app: AnyElysia,
    private readonly options: AnyWSLocalHook,
  ) {
    const validator = validatorOf(app, options.response);
    this.#messages = validatorOf(app, options.body);
    this.#parse = createWSMessageParser(options.parse ?? []);
    this.#respond = createHandleWSResponse(validator as never);
    this.#handlers = { ...this.#makeHandlers(), validator };
    this.#inherited = madeWhenAsked(app);
  }

  accept(context: Pick<Context, "request" | "set">, server: Context["server"]): unknown {
    const { set, request } = context;
    const { upgrade } = this.options;
    if (upgrade && typeof upgrade !== "function") Object.assign(set.headers, upgrade);
    setCookies(set);
    this.#server = (server ?? this.app.server) as Server<unknown> | null;
    const data = { __proto__: this.#inherited, ...context, ...this.#handlers };
    // It may be the name of something that the app has put there.
    if (Object.hasOwn(context, "id")) Object.assign(data, { id: randomId() });
    const headers = isNotEmpty(set.headers) && { headers: set.headers as Record<string, string> };
    if (this.#server?.upgrade(request, { ...headers, data })) return undefined;
    return status(400, "Expected a websocket connection");
  }

  #makeHandlers(): object {
    const { options } = this;
    return {
      open: (ws: RawSocket) => {
        this.#answer(ws, () => options.open?.(new RouteSocket(ws) as never));
      },
      message: async (ws: RawSocket, received: unknown) => {
        const message = await this.#parse(ws, received);
        if (this.#isInvalid(message)) return this.#refuse(ws, message);
        this.#answer(ws, () => options.message?.(new RouteSocket(ws, message) as never, message));
      },
      drain: (ws: RawSocket) => {
        this.#answer(ws, () => options.drain?.(new RouteSocket(ws) as never));
      },
      close: (ws: RawSocket, code: number, reason: string) => {
        this.#answer(ws, () => options.close?.(new RouteSocket(ws) as never, code, reason));
      },
      ping: (ws: RawSocket, data: unknown) => void options.ping?.(ws as never, data),
      pong: (ws: RawSocket, data: unknown) => void options.pong?.(ws as never, data),
    };
  }

  /** Runs a handler, and sends the client what it returns. */
  #answer(ws: RawSocket, handler: () => unknown): void {
    try {
      const sending = this.#respond(ws, handler());
      if (sending instanceof Promise) sending.catch((error) => this.#fail(ws, error));
    } catch (error) {
      void this.#fail(ws, error);
    }
  }

  #isInvalid(message: unknown): boolean {
    const validator = this.#messages;
    if (!validator) return false;
    if (validator.provider === "typebox") return !validator.Check(message);
    return Boolean(validator.schema["~standard"].validate(message).issues);
  }

  /** Where there is no error handler, the client is told what is wrong with its message. */
  #refuse(ws: RawSocket, message: unknown): Promise<void> | undefined {
    const error = new ValidationError("message", this.#messages as never, message);
    if (this.#errorHandlers().length > 0) return this.#fail(ws, error);
    ws.send(error.message);
    return undefined;
  }

  /** Has the error handlers answer, up to the first that does. */
  async #fail(ws: RawSocket, error: unknown): Promise<void> {
    const context = { ...ws.data, server: this.#server, error };
    for (const handle of this.#errorHandlers()) {
      const answer = await handle(context);
      await this.#respond(ws, answer);
      if (answer) return;
    }
  }

  #errorHandlers(): ErrorHandler[] {
    const own = [this.options.error ?? []].flat();
    const all = [...own, ...(this.app.event.error ?? [])];
    return all.map((it) => (typeof it === "function" ? it : it.fn) as ErrorHandler);
  }
}

function validatorOf(app: AnyElysia, schema: unknown): Validator | undefined {
  // Private to Elysia, and read by its own adapters.
  const { definitions } = app as unknown as { definitions: { typebox: unknown; type: unknown } };
  const { typebox: modules, type: models } = definitions;
  const { normalize } = app.config;
  const made = getSchemaValidator(schema as never, { modules, models, normalize } as never);
  return made as unknown as Validator | undefined;
}

/** Writes the cookies that a hook has set to the headers of the answer. */
function setCookies(set: Context["set"]): void {
  if (set.cookie && isNotEmpty(set.cookie)) {
    const cookies = serializeCookie(set.cookie);
    if (cookies) set.headers["set-cookie"] = cookies as string;
  }
  const cookies: unknown = set.headers["set-cookie"];
  if (Array.isArray(cookies)) {
    set.headers = parseSetCookies(new Headers(set.headers as never), cookies) as never;
  }
}
