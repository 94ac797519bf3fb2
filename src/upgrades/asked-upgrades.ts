import { MAX_TEMPLATE_BYTES, MAX_TEMPLATES, UPGRADE_PARTS } from "../sharded/constants";
import type { CoreEvent } from "../sharded/native";
import { keepFromFtl } from "./keep-from-ftl";
import { RequestHead } from "./request-head";
import { UpgradeRequest } from "./upgrade-request";

type UpgradesEvent = Extract<CoreEvent, { type: "Upgrades" }>;

/** One client that asks for a WebSocket. */
export interface AskedUpgrade {
  /** By which the core knows it until it is decided. */
  id: number;
  /** Nothing where no request can be made of its head. */
  request: UpgradeRequest | undefined;
  /** The nearest that it comes from. */
  address: string;
  port: number;
  /** Whether it offers subprotocols. */
  offersSubprotocols: boolean;
  /** It was accepted or refused. Written by whoever does so; nobody may do it twice. */
  decided: boolean;
}

/**
 * Reads the upgrades that the core brings. Each event can be read by itself: what is kept here
 * saves work, and no request depends on it.
 */
export class AskedUpgrades {
  /** By their whole text, oldest first. One that makes no headers is kept too. */
  readonly #templates = new Map<string, RequestHead | undefined>();

  /** Hands each to `take`, which must not throw. */
  read({ templates, parts }: UpgradesEvent, take: (asked: AskedUpgrade) => void): void {
    const heads = templates.map((text) => this.#head(text));
    let address = "";
    for (let at = 0; at < parts.length; at += UPGRADE_PARTS) {
      const head = heads[parts[at + 2] as number];
      address = (parts[at + 4] as string | null) ?? address;
      const request = head && toRequest(parts[at + 1] as string, head, parts[at + 3] as string);
      const asked = {
        id: parts[at] as number,
        request,
        address,
        port: parts[at + 5] as number,
        offersSubprotocols: head?.offersSubprotocols ?? false,
        decided: false,
      };
      if (request) request.ask = asked;
      take(asked);
    }
  }

  #head(template: string): RequestHead | undefined {
    const known = this.#templates.get(template);
    if (known !== undefined || this.#templates.has(template)) return known;
    const head = readHead(template);
    if (template.length <= MAX_TEMPLATE_BYTES) this.#keep(template, head);
    return head;
  }

  #keep(template: string, head: RequestHead | undefined): void {
    const [oldest] = this.#templates.size < MAX_TEMPLATES ? [] : this.#templates.keys();
    if (oldest !== undefined) this.#templates.delete(oldest);
    this.#templates.set(template, head);
  }
}

function toRequest(target: string, head: RequestHead, own: string): UpgradeRequest | undefined {
  try {
    return UpgradeRequest.from(target, head, own);
  } catch {
    return undefined;
  }
}

function readHead(template: string): RequestHead | undefined {
  try {
    return new RequestHead(template);
  } catch {
    return undefined;
  }
}

keepFromFtl(AskedUpgrades.prototype.read, toRequest);
