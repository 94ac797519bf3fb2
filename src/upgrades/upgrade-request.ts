import { excludeFromFtl } from "../process/exclude-from-ftl";
import type { HeaderTemplate } from "./header-template";

/** An upgrade that is not decided yet. */
export interface PendingUpgrade {
  /** By which the core knows it until it is decided. */
  id: number;
  /** Nothing where no request can be made of its head. */
  request: UpgradeRequest | undefined;
  /** The address of the connection: the client's, or that of a proxy. */
  address: string;
  port: number;
  /** Whether it offers subprotocols. */
  offersSubprotocols: boolean;
  /** It was accepted or refused, which happens once. */
  decided: boolean;
}

/** TypeScript takes `signal` for a plain property, which no accessor may stand in for. */
const SignalessRequest = Request as new (
  url: string,
  init: { headers: Headers },
) => Omit<Request, "signal">;

/** The signals that an app has asked for. They are here to keep the requests small. */
const controllers = new WeakMap<UpgradeRequest, AbortController>();

/**
 * The request of an upgrade, as the app would have got it from Bun.
 *
 * Its signal aborts when the client leaves before the decision. It is made when an app first asks
 * for it: few apps do, and the request is kept as long as its socket.
 */
export class UpgradeRequest extends SignalessRequest {
  /** Nothing once the client is accepted, or the app has answered. */
  pending: PendingUpgrade | undefined;

  /**
   * @param own values of the client's own headers
   * @returns nothing if its `Host` has no place in a URL
   * @throws TypeError if its URL cannot be made, or a value is no header's
   */
  static from(target: string, template: HeaderTemplate, own: string): UpgradeRequest | undefined {
    if (template.origin === undefined) return undefined;
    template.setOwn(own);
    return new UpgradeRequest(template.origin + target, template.init);
  }

  get signal(): AbortSignal {
    return controllerOf(this).signal;
  }

  /** The client has left. */
  abort(): void {
    controllerOf(this).abort(new DOMException("The connection was closed.", "AbortError"));
  }
}

function controllerOf(request: UpgradeRequest): AbortController {
  const known = controllers.get(request);
  if (known) return known;
  const controller = new AbortController();
  controllers.set(request, controller);
  return controller;
}

excludeFromFtl(UpgradeRequest.from);
