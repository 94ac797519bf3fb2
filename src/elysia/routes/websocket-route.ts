import { type AnyElysia, status } from "elysia";
import { parseSetCookies } from "elysia/adapter/utils";
import type { Context } from "elysia/context";
import { serializeCookie } from "elysia/cookies";
import { getSchemaValidator } from "elysia/schema";
import { isNotEmpty, randomId } from "elysia/utils";
import { createWSMessageParser } from "elysia/ws";
import type { ServerWebSocket } from "elysia/ws/bun";
import type { AnyWSLocalHook } from "elysia/ws/types";

import type { BroadcasterState } from "../../broadcaster";
import type { ResolvedConfig } from "../../config/config";
import type { RateLimitedLog } from "../../logging/rate-limited-log";
import { excludeFromFtl } from "../../process/exclude-from-ftl";
import { DISCARDS, discardsOf } from "./discards";
import { isInvalid, type Validator, validationError } from "./message-schema";
import { sendAnswer } from "./route-answer";
import { type RouteData, RouteSocket } from "./route-socket";

type RawSocket = ServerWebSocket<RouteData & { [CONTEXT]?: object }>;

type RouteContext = Context & { validator?: Validator | undefined };

/** Makes something else of a message, or leaves it to the next. */
type Parser = (ws: RawSocket, message: unknown) => unknown;

/** What a route needs of its broadcaster. */
export interface RouteHost {
  readonly config: Pick<ResolvedConfig, "maxJsonLength">;
  readonly state: BroadcasterState;
  readonly log: RateLimitedLog;
}

/** Answers for what a handler of the route throws. */
type ErrorHandler = (context: object) => unknown;

/** Where `ws.data` keeps the context of its upgrade, if there are error handlers to be given it. */
const CONTEXT = Symbol("context");

/** A socket gets its id at its first use. */
const ids = new WeakMap<object, string>();
const ID: PropertyDescriptor = {
  get(this: object) {
    const id = ids.get(this) ?? randomId();
    ids.set(this, id);
    return id;
  },
  enumerable: true,
  configurable: true,
};

/**
 * Adds a WebSocket route to an app, as Elysia's own adapter for Bun does.
 *
 * That one makes a dozen functions for each client, which may come by thousands in a moment and
 * stay for days. Here all of them are the route's, and a client has its context alone.
 */
export function addWebSocketRoute(
  app: AnyElysia,
  path: string,
  options: AnyWSLocalHook,
  host: RouteHost,
): void {
  const { parse, body, response, ...hooks } = options;
  const route = new WebSocketRoute(app, options, host);
  // Elysia looks into the text of a handler for what to prepare in its context: for one that hands
  // that on, everything. What an async function throws goes to the error hooks.
  const handler =
    typeof options.upgrade === "function"
      ? async (context: RouteContext) => route.prepareAndAccept(context)
      : (context: RouteContext) => route.accept(context);
  app.route("WS", path, handler as never, { ...hooks, websocket: options } as never);
}

/** The kinds of frames that a route has no handler for. */
function discardedBy({ message, body, parse, ping, pong }: AnyWSLocalHook): number {
  // A schema alone has an answer, too: what is wrong with a message.
  const handlers = { message: message ?? body ?? parse, ping, pong };
  return discardsOf((kind) => handlers[kind] !== undefined);
}

/** What all clients of a route have in common. */
class WebSocketRoute {
  readonly #validator: Validator | undefined;
  readonly #messages: Validator | undefined;
  readonly #parse: ReturnType<typeof createWSMessageParser>;
  readonly #parsers: Parser[];
  /** Is in each `ws.data`, where Elysia's handlers for the sockets of all routes look for it. */
  readonly #handlers: object;

  constructor(
    private readonly app: AnyElysia,
    private readonly options: AnyWSLocalHook,
    private readonly host: RouteHost,
  ) {
    this.#validator = validatorOf(app, options.response);
    this.#messages = validatorOf(app, options.body);
    this.#parsers = [options.parse ?? []].flat() as unknown as Parser[];
    this.#parse = createWSMessageParser(this.#parsers as never);
    this.#handlers = this.#makeHandlers();
    excludeFromFtl(this.accept, this.#dataOf, this.#answer);
  }

  /** As `accept`, where `upgrade` is a function. */
  async prepareAndAccept(context: RouteContext): Promise<unknown> {
    const options = this.options as { upgrade(context: Context): unknown };
    context.validator = this.#validator;
    await options.upgrade(context);
    return this.accept(context);
  }

  /** Upgrades the request of a client that no hook has refused. */
  accept(context: RouteContext): unknown {
    const { set, request } = context;
    const { upgrade } = this.options;
    if (upgrade && typeof upgrade !== "function") Object.assign(set.headers, upgrade);
    setCookies(set);
    context.validator = this.#validator;
    const headers = isNotEmpty(set.headers) && { headers: set.headers as Record<string, string> };
    const data = this.#dataOf(context);
    const server = context.server ?? this.app.server;
    if (server?.upgrade(request, { ...headers, data } as never)) {
      if (this.host.state === "starting") this.host.log.record("foreignServer");
      return undefined;
    }
    return status(400, "Expected a websocket connection");
  }

  /** What becomes `ws.data`: a copy of the context, in which Elysia's own names win. */
  #dataOf(context: RouteContext): object {
    const data = { ...context, ...this.#handlers };
    if (this.#hasErrorHandlers) Object.assign(data, { [CONTEXT]: context });
    return Object.defineProperty(data, "id", ID);
  }

  #makeHandlers(): object {
    const { options } = this;
    return {
      [DISCARDS]: discardedBy(options),
      open: (ws: RawSocket) => {
        this.#answer(ws, () => options.open?.(new RouteSocket(ws) as never));
      },
      message: async (ws: RawSocket, received: unknown) => {
        try {
          const message = await this.#read(ws, received);
          if (this.#messages && isInvalid(this.#messages, message)) {
            return await this.#refuse(ws, message);
          }
          this.#answer(ws, () => options.message?.(new RouteSocket(ws, message) as never, message));
        } catch (error) {
          // Of a parser or a schema. Thrown on, it would end the process when a client likes.
          await this.#fail(ws, error);
        }
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

  /** A message as the route's parsers leave it. */
  #read(ws: RawSocket, received: unknown): Promise<unknown> {
    const isLong = typeof received === "string" && received.length > this.host.config.maxJsonLength;
    return isLong ? this.#readText(ws, received) : this.#parse(ws, received);
  }

  /** A text that is too long to be parsed as JSON before the route's own parsers see it. */
  async #readText(ws: RawSocket, text: string): Promise<unknown> {
    this.host.log.record("longMessage", { characters: text.length });
    for (const parse of this.#parsers) {
      const parsed = await parse(ws, text);
      if (parsed !== undefined) return parsed;
    }
    return text;
  }

  /** Runs a handler, and sends the client what it returns. */
  #answer(ws: RawSocket, handler: () => unknown): void {
    try {
      const sending = sendAnswer(ws, this.#validator, handler());
      sending?.catch((error) => this.#fail(ws, error));
    } catch (error) {
      void this.#fail(ws, error);
    }
  }

  /** Where there is no error handler, the client gets what is wrong with its message. */
  #refuse(ws: RawSocket, message: unknown): Promise<void> | undefined {
    const error = validationError(this.#messages as Validator, message);
    if (this.#hasErrorHandlers) return this.#fail(ws, error);
    ws.send(error.message);
    return undefined;
  }

  get #hasErrorHandlers(): boolean {
    return this.options.error !== undefined || (this.app.event.error?.length ?? 0) > 0;
  }

  /** Has the error handlers answer, up to the first whose answer is truthy, as Elysia has it. */
  async #fail(ws: RawSocket, error: unknown): Promise<void> {
    const context = Object.assign(ws.data[CONTEXT] ?? {}, { error });
    const own = [this.options.error ?? []].flat();
    for (const hook of [...own, ...(this.app.event.error ?? [])]) {
      const handle = (typeof hook === "function" ? hook : hook.fn) as ErrorHandler;
      const answer = await handle(context);
      await sendAnswer(ws, this.#validator, answer);
      if (answer) return;
    }
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

excludeFromFtl(setCookies);
