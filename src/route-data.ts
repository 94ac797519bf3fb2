import type { AnyElysia } from "elysia";
import type { Context } from "elysia/context";
import { parseCookie } from "elysia/cookies";
import { randomId } from "elysia/utils";
import type { ElysiaWS } from "elysia/ws";
import type { AnyWSLocalHook } from "elysia/ws/types";

/** What is in each `ws.data` of a route's clients: their contexts, and the route's own. */
export interface RouteData extends Pick<Context, "headers" | "set"> {
  /** Checks what the handlers send; nothing where the route has no schema for that. */
  validator: ElysiaWS["validator"];
}

/**
 * What a `ws.data` inherits: what hardly anybody asks for, so that it is made for whoever does. The
 * cookies are its own where they had to be read before the upgrade.
 */
export function madeWhenAsked(app: AnyElysia): object {
  return {
    get id(): string {
      return keep(this, "id", randomId());
    },
    get cookie(): Context["cookie"] {
      const { set, headers } = this as unknown as RouteData;
      // Where no signature is to be checked, it waits for nothing.
      const cookies = Bun.peek(parseCookie(set, headers.cookie, app.config.cookie));
      return keep(this, "cookie", cookies as Context["cookie"]);
    },
  };
}

function keep<T>(data: object, name: string, value: T): T {
  Object.defineProperty(data, name, { value, enumerable: true, configurable: true });
  return value;
}

/**
 * Whether the cookies of a client have to be read before its upgrade: a hook may look at them or set
 * some, or they are signed, and a forged one is refused.
 */
export function needsCookies(app: AnyElysia, hooks: AnyWSLocalHook): boolean {
  if (signsCookies(app)) return true;
  const known = [...Object.values(app.event), ...Object.values(hooks)].flat();
  return known.some((hook) => /cookie|\[native code\]/i.test(textOf(hook)));
}

export function signsCookies(app: AnyElysia): boolean {
  const { sign, secrets } = app.config.cookie ?? {};
  return Boolean(sign || secrets);
}

/** Of a hook as the app has given it, or as Elysia keeps it. */
function textOf(hook: unknown): string {
  if (typeof hook === "function") return String(hook);
  return String((hook as { fn?: unknown } | undefined)?.fn ?? "");
}
